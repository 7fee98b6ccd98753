/*
 * The name space: directories, symbolic links, path lookup, and the types. Components compare
 * without case, as for every name that the I/O manager makes.
 */
#include "guest/include/exp.h"
#include "guest/include/obp.h"

#define OBP_MAXIMUM_LINKS 32u

POBJECT_TYPE ObpTypeObjectType, ObpDirectoryType, ObpSymbolicLinkType, ObpEventType,
    ObpSemaphoreType, ObpMutantType, ObpThreadType, ObpProcessType, ObpCallbackType, ObpDriverType,
    ObpDeviceType, ObpFileType, ObpKeyType, ObpTokenType;

static POBJECT_DIRECTORY ObpRootDirectory;

/* The header declares these one level of indirection above what the exports are; see
 * OBJECT_TYPE.Self. */
#define DEFINE_TYPE_EXPORT(Name) POBJECT_TYPE *Name
NTEXPORTDATA(PsThreadType);
DEFINE_TYPE_EXPORT(PsThreadType);
NTEXPORTDATA(PsProcessType);
DEFINE_TYPE_EXPORT(PsProcessType);
NTEXPORTDATA(ExEventObjectType);
DEFINE_TYPE_EXPORT(ExEventObjectType);
NTEXPORTDATA(ExSemaphoreObjectType);
DEFINE_TYPE_EXPORT(ExSemaphoreObjectType);
NTEXPORTDATA(IoFileObjectType);
DEFINE_TYPE_EXPORT(IoFileObjectType);
NTEXPORTDATA(IoDriverObjectType);
DEFINE_TYPE_EXPORT(IoDriverObjectType);
NTEXPORTDATA(IoDeviceObjectType);
DEFINE_TYPE_EXPORT(IoDeviceObjectType);

static VOID ObpDeleteSymbolicLink(PVOID Object)
{
    ExFreePoolWithTag(((POBJECT_SYMBOLIC_LINK)Object)->Target.Buffer, OBP_TAG);
}

static PVOID ObpFindEntry(POBJECT_DIRECTORY Directory, PCUNICODE_STRING Name)
{
    PLIST_ENTRY Entry;

    for (Entry = Directory->Entries.Flink; Entry != &Directory->Entries; Entry = Entry->Flink)
    {
        POBJECT_HEADER Header = CONTAINING_RECORD(Entry, OBJECT_HEADER, DirectoryLinks);
        if (RtlEqualUnicodeString(&Header->Name, Name, TRUE))
        {
            return Header->Body;
        }
    }
    return NULL;
}

/* Splits the first component off Path, which begins with a backslash or is empty. */
static VOID ObpSplit(PCUNICODE_STRING Path, PUNICODE_STRING Component, PUNICODE_STRING Rest)
{
    USHORT Start = 0, End, Length = Path->Length / sizeof(WCHAR);

    while (Start < Length && Path->Buffer[Start] == L'\\')
    {
        Start++;
    }
    for (End = Start; End < Length && Path->Buffer[End] != L'\\'; End++)
    {
    }
    Component->Buffer = Path->Buffer + Start;
    Component->Length = Component->MaximumLength = (End - Start) * sizeof(WCHAR);
    Rest->Buffer = Path->Buffer + End;
    Rest->Length = Rest->MaximumLength = (Length - End) * sizeof(WCHAR);
}

/* Replaces *Path (kept in *Storage) by Target followed by Rest. */
static NTSTATUS ObpFollowLink(PCUNICODE_STRING Target, PCUNICODE_STRING Rest, PUNICODE_STRING Path,
                              PWSTR *Storage)
{
    ULONG Bytes = (ULONG)Target->Length + Rest->Length;
    PWSTR New;

    if (Bytes > 0x7FFE)
    {
        return STATUS_NAME_TOO_LONG;
    }
    New = ExpAllocateKernelPool(Bytes + sizeof(WCHAR), OBP_TAG);
    RtlCopyMemory(New, Target->Buffer, Target->Length);
    RtlCopyMemory((PUCHAR)New + Target->Length, Rest->Buffer, Rest->Length);
    New[Bytes / sizeof(WCHAR)] = 0;
    if (*Storage != NULL)
    {
        ExFreePoolWithTag(*Storage, OBP_TAG);
    }
    *Storage = New;
    Path->Buffer = New;
    Path->Length = Path->MaximumLength = (USHORT)Bytes;
    return STATUS_SUCCESS;
}

/* Walks FullName. On success *Object is not yet referenced and *Rest is what follows its name. On a
 * missing last component: STATUS_OBJECT_NAME_NOT_FOUND with *Parent and *Last set. */
static NTSTATUS ObpWalk(PCUNICODE_STRING FullName, BOOLEAN FollowLast, PVOID *Object,
                        POBJECT_DIRECTORY *Parent, PUNICODE_STRING Last, PUNICODE_STRING Rest,
                        PWSTR *Storage)
{
    UNICODE_STRING Path = *FullName;
    PVOID Found = ObpRootDirectory;
    ULONG Links = 0;

    *Parent = NULL;
    if (Path.Length == 0 || Path.Buffer[0] != L'\\')
    {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    for (;;)
    {
        POBJECT_DIRECTORY Directory = Found;
        ObpSplit(&Path, Last, Rest);
        if (Last->Length == 0)
        {
            break; /* the directory itself */
        }
        Found = ObpFindEntry(Directory, Last);
        if (Found == NULL)
        {
            *Parent = Rest->Length == 0 ? Directory : NULL;
            return Rest->Length == 0 ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
        }
        if (ObpHeaderOf(Found)->Type == ObpSymbolicLinkType && (FollowLast || Rest->Length != 0))
        {
            NTSTATUS Status;
            if (++Links > OBP_MAXIMUM_LINKS)
            {
                return STATUS_NAME_TOO_LONG;
            }
            Status = ObpFollowLink(&((POBJECT_SYMBOLIC_LINK)Found)->Target, Rest, &Path, Storage);
            if (!NT_SUCCESS(Status))
            {
                return Status;
            }
            if (Path.Length == 0 || Path.Buffer[0] != L'\\')
            {
                return STATUS_OBJECT_PATH_SYNTAX_BAD;
            }
            Found = ObpRootDirectory;
            continue;
        }
        if (ObpHeaderOf(Found)->Type != ObpDirectoryType)
        {
            break;
        }
        Path = *Rest;
    }
    *Object = Found;
    return STATUS_SUCCESS;
}

static VOID ObpFreePath(PWSTR Storage)
{
    if (Storage != NULL)
    {
        ExFreePoolWithTag(Storage, OBP_TAG);
    }
}

NTSTATUS ObpLookupName(PCUNICODE_STRING Name, POBJECT_TYPE Type, PVOID *Object,
                       PUNICODE_STRING Remaining, PWSTR *Storage)
{
    POBJECT_DIRECTORY Parent;
    UNICODE_STRING Last, Rest;
    PWSTR Path = NULL;
    NTSTATUS Status =
        ObpWalk(Name, Type != ObpSymbolicLinkType, Object, &Parent, &Last, &Rest, &Path);

    if (NT_SUCCESS(Status) && Remaining == NULL && Rest.Length != 0)
    {
        Status = STATUS_OBJECT_PATH_NOT_FOUND;
    }
    if (NT_SUCCESS(Status) && Type != NULL && ObpHeaderOf(*Object)->Type != Type)
    {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (NT_SUCCESS(Status))
    {
        ObfReferenceObject(*Object);
        if (Remaining != NULL)
        {
            *Remaining = Rest;
            *Storage = Path;
            return Status;
        }
    }
    ObpFreePath(Path);
    return Status;
}

NTSTATUS ObpInsertName(PVOID Object, PCUNICODE_STRING FullName, BOOLEAN Permanent)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    POBJECT_DIRECTORY Parent;
    UNICODE_STRING Last, Rest;
    PVOID Existing;
    PWSTR Path = NULL;
    NTSTATUS Status = ObpWalk(FullName, FALSE, &Existing, &Parent, &Last, &Rest, &Path);

    if (NT_SUCCESS(Status))
    {
        Status = STATUS_OBJECT_NAME_COLLISION;
    }
    else if (Parent != NULL)
    {
        PWSTR Name = ExAllocatePoolWithTag(NonPagedPool, Last.Length + sizeof(WCHAR), OBP_TAG);
        Status = STATUS_INSUFFICIENT_RESOURCES;
        if (Name != NULL)
        {
            RtlCopyMemory(Name, Last.Buffer, Last.Length);
            Name[Last.Length / sizeof(WCHAR)] = 0;
            Header->Name.Buffer = Name;
            Header->Name.Length = Last.Length;
            Header->Name.MaximumLength = Last.Length + sizeof(WCHAR);
            Header->Directory = Parent;
            InsertTailList(&Parent->Entries, &Header->DirectoryLinks);
            if (Permanent)
            {
                Header->Flags |= OB_FLAG_PERMANENT;
                ObfReferenceObject(Object);
            }
            Status = STATUS_SUCCESS;
        }
    }
    ObpFreePath(Path);
    return Status;
}

VOID ObpRemoveName(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    BOOLEAN Permanent = (Header->Flags & OB_FLAG_PERMANENT) != 0;

    if (Header->Directory == NULL)
    {
        return;
    }
    /* The name itself stays for reports and ObQueryNameString until the object goes. */
    RemoveEntryList(&Header->DirectoryLinks);
    InitializeListHead(&Header->DirectoryLinks);
    Header->Directory = NULL;
    Header->Flags &= ~OB_FLAG_PERMANENT;
    if (Permanent)
    {
        ObfDereferenceObject(Object);
    }
}

static PVOID ObpMakeDirectory(PCWSTR FullName)
{
    UNICODE_STRING Name;
    POBJECT_HEADER Header =
        ExpAllocateKernelPool(sizeof(OBJECT_HEADER) + sizeof(OBJECT_DIRECTORY), OBP_TAG);
    POBJECT_DIRECTORY Directory = (POBJECT_DIRECTORY)Header->Body;

    ObpInitializeStaticHeader(Header, ObpDirectoryType);
    InitializeListHead(&Directory->Entries);
    if (FullName != NULL)
    {
        RtlInitUnicodeString(&Name, FullName);
        RD_KASSERT(NT_SUCCESS(ObpInsertName(Directory, &Name, TRUE)));
    }
    return Directory;
}

static VOID ObpMakeLink(PCWSTR From, PCWSTR To)
{
    UNICODE_STRING Name, Target;

    RtlInitUnicodeString(&Name, From);
    RtlInitUnicodeString(&Target, To);
    RD_KASSERT(NT_SUCCESS(IoCreateSymbolicLink(&Name, &Target)));
}

POBJECT_TYPE ObpCreateType(PCWSTR Name, const OBP_TYPE_PROCEDURES *Procedures)
{
    POBJECT_HEADER Header =
        ExpAllocateKernelPool(sizeof(OBJECT_HEADER) + sizeof(OBJECT_TYPE), OBP_TAG);
    POBJECT_TYPE Type = (POBJECT_TYPE)Header->Body;

    ObpInitializeStaticHeader(Header, ObpTypeObjectType);
    RtlZeroMemory(Type, sizeof *Type);
    Type->Self = Type;
    InitializeListHead(&Type->TypeList);
    RtlInitUnicodeString(&Type->Name, Name);
    Type->Procedures.WaitOffset = -1;
    if (Procedures != NULL)
    {
        Type->Procedures = *Procedures;
    }
    return Type;
}

VOID ObpSetTypeProcedures(POBJECT_TYPE Type, const OBP_TYPE_PROCEDURES *Procedures)
{
    Type->Procedures = *Procedures;
}

static POBJECT_TYPE ObpMakeType(PCWSTR Name, VOID (*Delete)(PVOID),
                                VOID (*Close)(PEPROCESS, PVOID, LONG_PTR), LONG WaitOffset)
{
    OBP_TYPE_PROCEDURES Procedures = {Delete, Close, WaitOffset};

    return ObpCreateType(Name, &Procedures);
}

static VOID ObpNameType(POBJECT_TYPE Type)
{
    WCHAR Path[48] = L"\\ObjectTypes\\";
    UNICODE_STRING Name = {13 * sizeof(WCHAR), sizeof Path, Path};

    RtlAppendUnicodeStringToString(&Name, &Type->Name);
    RD_KASSERT(NT_SUCCESS(ObpInsertName(Type, &Name, TRUE)));
}

VOID ObInitSystem(VOID)
{
    ObpTypeObjectType = ObpMakeType(L"Type", NULL, NULL, -1);
    ObpHeaderOf(ObpTypeObjectType)->Type = ObpTypeObjectType;
    ObpDirectoryType = ObpMakeType(L"Directory", NULL, NULL, -1);
    ObpSymbolicLinkType = ObpMakeType(L"SymbolicLink", ObpDeleteSymbolicLink, NULL, -1);
    ObpEventType = ObpMakeType(L"Event", NULL, NULL, 0);
    ObpSemaphoreType = ObpMakeType(L"Semaphore", NULL, NULL, 0);
    ObpMutantType = ObpMakeType(L"Mutant", NULL, NULL, 0);
    ObpThreadType = ObpMakeType(L"Thread", NULL, NULL, 0);
    ObpProcessType = ObpMakeType(L"Process", NULL, NULL, 0);
    ObpCallbackType = ObpMakeType(L"Callback", NULL, NULL, -1);
    ObpDriverType = ObpMakeType(L"Driver", NULL, NULL, -1);
    ObpDeviceType = ObpMakeType(L"Device", NULL, NULL, -1);
    ObpFileType = ObpMakeType(L"File", NULL, NULL, FIELD_OFFSET(FILE_OBJECT, Event));

    PsThreadType = (POBJECT_TYPE *)ObpThreadType;
    PsProcessType = (POBJECT_TYPE *)ObpProcessType;
    ExEventObjectType = (POBJECT_TYPE *)ObpEventType;
    ExSemaphoreObjectType = (POBJECT_TYPE *)ObpSemaphoreType;
    IoFileObjectType = (POBJECT_TYPE *)ObpFileType;
    IoDriverObjectType = (POBJECT_TYPE *)ObpDriverType;
    IoDeviceObjectType = (POBJECT_TYPE *)ObpDeviceType;

    ObpRootDirectory = ObpMakeDirectory(NULL);
    ObpMakeDirectory(L"\\Device");
    ObpMakeDirectory(L"\\Driver");
    ObpMakeDirectory(L"\\FileSystem");
    ObpMakeDirectory(L"\\FileSystem\\Filters");
    ObpMakeDirectory(L"\\Callback");
    ObpMakeDirectory(L"\\ObjectTypes");
    ObpMakeDirectory(L"\\BaseNamedObjects");
    ObpMakeDirectory(L"\\KernelObjects");
    ObpMakeDirectory(L"\\??");
    ObpMakeLink(L"\\DosDevices", L"\\??");
    ObpMakeLink(L"\\GLOBAL??", L"\\??");
    ObpMakeLink(L"\\??\\Global", L"\\??");
    {
        POBJECT_TYPE All[] = {ObpTypeObjectType, ObpDirectoryType, ObpSymbolicLinkType,
                              ObpEventType,      ObpSemaphoreType, ObpMutantType,
                              ObpThreadType,     ObpProcessType,   ObpCallbackType,
                              ObpDriverType,     ObpDeviceType,    ObpFileType};
        for (ULONG i = 0; i < sizeof All / sizeof All[0]; i++)
        {
            ObpNameType(All[i]);
        }
    }
}

NTEXPORT(IoCreateSymbolicLink, PASSIVE_LEVEL, "symbolic link");
NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    POBJECT_SYMBOLIC_LINK Link = ObpAllocateObject(ObpSymbolicLinkType, sizeof *Link);
    NTSTATUS Status;

    if (Link == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Link->Target.Buffer =
        ExAllocatePoolWithTag(PagedPool, DeviceName->Length + sizeof(WCHAR), OBP_TAG);
    if (Link->Target.Buffer == NULL)
    {
        ExFreePoolWithTag(ObpHeaderOf(Link), OBP_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Link->Target.Length = DeviceName->Length;
    Link->Target.MaximumLength = DeviceName->Length + sizeof(WCHAR);
    RtlCopyMemory(Link->Target.Buffer, DeviceName->Buffer, DeviceName->Length);
    Link->Target.Buffer[DeviceName->Length / sizeof(WCHAR)] = 0;
    Status = ObpInsertName(Link, SymbolicLinkName, TRUE);
    ObfDereferenceObject(Link); /* the name keeps it */
    return Status;
}

NTEXPORT(IoCreateUnprotectedSymbolicLink, PASSIVE_LEVEL, "symbolic link");
NTSTATUS NTAPI IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName,
                                               PUNICODE_STRING DeviceName)
{
    return IoCreateSymbolicLink(SymbolicLinkName, DeviceName);
}

NTEXPORT(IoDeleteSymbolicLink, PASSIVE_LEVEL, "symbolic link");
NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    PVOID Link;
    NTSTATUS Status = ObpLookupName(SymbolicLinkName, ObpSymbolicLinkType, &Link, NULL, NULL);

    if (NT_SUCCESS(Status))
    {
        ObMakeTemporaryObject(Link);
        ObfDereferenceObject(Link);
    }
    return Status;
}

/* Exported, in no kit header; commonly used with IoDriverObjectType. */
NTSYSAPI NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                                PACCESS_STATE PassedAccessState,
                                                ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                                KPROCESSOR_MODE AccessMode, PVOID ParseContext,
                                                PVOID *Object);
NTEXPORT(ObReferenceObjectByName, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                       PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess,
                                       POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                       PVOID ParseContext, PVOID *Object)
{
    return ObpLookupName(ObjectName, ObjectType, Object, NULL, NULL);
}

static VOID ObpPrepend(PWSTR *At, PWSTR Start, PCUNICODE_STRING Text)
{
    ULONG Count = Text->Length / sizeof(WCHAR);

    while (Count != 0 && *At > Start)
    {
        *--*At = Text->Buffer[--Count];
    }
}

NTEXPORT(ObQueryNameString, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo,
                                 ULONG Length, PULONG ReturnLength)
{
    static const UNICODE_STRING Backslash = RTL_CONSTANT_STRING(L"\\");
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    WCHAR Path[260];
    PWSTR At = Path + 260;
    ULONG Bytes;

    if (Header->Type == ObpFileType)
    {
        PFILE_OBJECT File = Object;
        ObpPrepend(&At, Path, &File->FileName);
        Header = ObpHeaderOf(File->DeviceObject);
    }
    while (Header->Name.Length != 0)
    {
        ObpPrepend(&At, Path, &Header->Name);
        ObpPrepend(&At, Path, &Backslash);
        if (Header->Directory == NULL || Header->Directory == ObpRootDirectory)
        {
            break;
        }
        Header = ObpHeaderOf(Header->Directory);
    }
    Bytes = (ULONG)((Path + 260 - At) * sizeof(WCHAR));
    *ReturnLength = sizeof(OBJECT_NAME_INFORMATION) + (Bytes != 0 ? Bytes + sizeof(WCHAR) : 0);
    if (ObjectNameInfo == NULL || Length < *ReturnLength)
    {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    ObjectNameInfo->Name.Buffer = Bytes != 0 ? (PWSTR)(ObjectNameInfo + 1) : NULL;
    ObjectNameInfo->Name.Length = (USHORT)Bytes;
    ObjectNameInfo->Name.MaximumLength = Bytes != 0 ? (USHORT)(Bytes + sizeof(WCHAR)) : 0;
    if (Bytes != 0)
    {
        RtlCopyMemory(ObjectNameInfo->Name.Buffer, At, Bytes);
        ObjectNameInfo->Name.Buffer[Bytes / sizeof(WCHAR)] = 0;
    }
    return STATUS_SUCCESS;
}
