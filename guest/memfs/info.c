/* What a file says about itself, and what can be changed of it: times, sizes, name, deletion. */
#include "guest/memfs/memfs.h"

/* One class: fixed size, and what fills it. Buffers are zeroed. */
typedef struct _MEMFS_QUERY
{
    FILE_INFORMATION_CLASS Class;
    ULONG Bytes;
    VOID (*Fill)(PFILE_OBJECT File, PMEMFS_FCB Fcb, PVOID Buffer);
} MEMFS_QUERY;

static VOID MemfsFillBasic(PFILE_OBJECT File, PMEMFS_FCB Fcb, PVOID Buffer)
{
    PFILE_BASIC_INFORMATION Out = Buffer;

    Out->CreationTime = Fcb->CreationTime;
    Out->LastAccessTime = Fcb->LastAccessTime;
    Out->LastWriteTime = Fcb->LastWriteTime;
    Out->ChangeTime = Fcb->ChangeTime;
    Out->FileAttributes = MemfsAttributes(Fcb);
}

static VOID MemfsFillStandard(PFILE_OBJECT File, PMEMFS_FCB Fcb, PVOID Buffer)
{
    PFILE_STANDARD_INFORMATION Out = Buffer;

    Out->AllocationSize = Fcb->Header.AllocationSize;
    Out->EndOfFile = Fcb->Header.FileSize;
    Out->NumberOfLinks = Fcb->Unlinked || Fcb->DeletePending ? 0 : 1;
    Out->DeletePending = Fcb->DeletePending;
    Out->Directory = Fcb->Node == MemfsDirectory;
}

static VOID MemfsFillInternal(PFILE_OBJECT File, PMEMFS_FCB Fcb, PVOID Buffer)
{
    ((PFILE_INTERNAL_INFORMATION)Buffer)->IndexNumber.QuadPart = (LONG64)Fcb->FileId;
}

static VOID MemfsFillEa(PFILE_OBJECT File, PMEMFS_FCB Fcb, PVOID Buffer)
{
    ((PFILE_EA_INFORMATION)Buffer)->EaSize = 0;
}

static VOID MemfsFillPosition(PFILE_OBJECT File, PMEMFS_FCB Fcb, PVOID Buffer)
{
    ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset = File->CurrentByteOffset;
}

static VOID MemfsFillNetworkOpen(PFILE_OBJECT File, PMEMFS_FCB Fcb, PVOID Buffer)
{
    PFILE_NETWORK_OPEN_INFORMATION Out = Buffer;

    Out->CreationTime = Fcb->CreationTime;
    Out->LastAccessTime = Fcb->LastAccessTime;
    Out->LastWriteTime = Fcb->LastWriteTime;
    Out->ChangeTime = Fcb->ChangeTime;
    Out->AllocationSize = Fcb->Header.AllocationSize;
    Out->EndOfFile = Fcb->Header.FileSize;
    Out->FileAttributes = MemfsAttributes(Fcb);
}

static VOID MemfsFillTag(PFILE_OBJECT File, PMEMFS_FCB Fcb, PVOID Buffer)
{
    ((PFILE_ATTRIBUTE_TAG_INFORMATION)Buffer)->FileAttributes = MemfsAttributes(Fcb);
}

static const MEMFS_QUERY Queries[] = {
    {FileBasicInformation, sizeof(FILE_BASIC_INFORMATION), MemfsFillBasic},
    {FileStandardInformation, sizeof(FILE_STANDARD_INFORMATION), MemfsFillStandard},
    {FileInternalInformation, sizeof(FILE_INTERNAL_INFORMATION), MemfsFillInternal},
    {FileEaInformation, sizeof(FILE_EA_INFORMATION), MemfsFillEa},
    {FilePositionInformation, sizeof(FILE_POSITION_INFORMATION), MemfsFillPosition},
    {FileNetworkOpenInformation, sizeof(FILE_NETWORK_OPEN_INFORMATION), MemfsFillNetworkOpen},
    {FileAttributeTagInformation, sizeof(FILE_ATTRIBUTE_TAG_INFORMATION), MemfsFillTag},
};

/* FILE_NAME_INFORMATION; a name that does not fit is cut, and its whole length told. */
static NTSTATUS MemfsFillName(PMEMFS_FCB Fcb, PFILE_NAME_INFORMATION Out, ULONG Length,
                              PULONG Written)
{
    ULONG Room = Length - FIELD_OFFSET(FILE_NAME_INFORMATION, FileName);
    ULONG Bytes;

    if (Length < FIELD_OFFSET(FILE_NAME_INFORMATION, FileName) + sizeof(WCHAR))
    {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Bytes = MemfsPath(Fcb, Out->FileName, Room & ~1u);
    Out->FileNameLength = Bytes;
    *Written = FIELD_OFFSET(FILE_NAME_INFORMATION, FileName) + (Bytes < Room ? Bytes : Room & ~1u);
    return Bytes <= Room ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

static NTSTATUS MemfsFillAll(PFILE_OBJECT File, PMEMFS_FCB Fcb, PFILE_ALL_INFORMATION Out,
                             ULONG Length, PULONG Written)
{
    NTSTATUS Status;

    if (Length < sizeof *Out)
    {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlZeroMemory(Out, sizeof *Out);
    MemfsFillBasic(File, Fcb, &Out->BasicInformation);
    MemfsFillStandard(File, Fcb, &Out->StandardInformation);
    MemfsFillInternal(File, Fcb, &Out->InternalInformation);
    MemfsFillPosition(File, Fcb, &Out->PositionInformation);
    Status = MemfsFillName(Fcb, &Out->NameInformation,
                           Length - FIELD_OFFSET(FILE_ALL_INFORMATION, NameInformation), Written);
    *Written += FIELD_OFFSET(FILE_ALL_INFORMATION, NameInformation);
    return Status;
}

static NTSTATUS MemfsQueryClass(PFILE_OBJECT File, PMEMFS_FCB Fcb, FILE_INFORMATION_CLASS Class,
                                PVOID Buffer, ULONG Length, PULONG Written)
{
    if (Class == FileNameInformation || Class == FileNormalizedNameInformation)
    {
        return MemfsFillName(Fcb, Buffer, Length, Written);
    }
    if (Class == FileAllInformation)
    {
        return MemfsFillAll(File, Fcb, Buffer, Length, Written);
    }
    for (ULONG i = 0; i < sizeof Queries / sizeof Queries[0]; i++)
    {
        if (Queries[i].Class == Class)
        {
            if (Length < Queries[i].Bytes)
            {
                return STATUS_INFO_LENGTH_MISMATCH;
            }
            RtlZeroMemory(Buffer, Queries[i].Bytes);
            Queries[i].Fill(File, Fcb, Buffer);
            *Written = Queries[i].Bytes;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS MemfsQueryInformation(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject;
    PMEMFS_FCB Fcb = MemfsFcbOf(File);
    FILE_INFORMATION_CLASS Class = Stack->Parameters.QueryFile.FileInformationClass;
    /* Names are the tree's. */
    PERESOURCE Lock = Class == FileNameInformation || Class == FileNormalizedNameInformation ||
                              Class == FileAllInformation
                          ? &Vcb->Resource
                          : &Fcb->Resource;
    ULONG Written = 0;
    NTSTATUS Status;

    if (Vcb->Dismounted)
    {
        return STATUS_VOLUME_DISMOUNTED;
    }
    ExAcquireResourceSharedLite(Lock, TRUE);
    Status = MemfsQueryClass(File, Fcb, Class, Irp->AssociatedIrp.SystemBuffer,
                             Stack->Parameters.QueryFile.Length, &Written);
    ExReleaseResourceLite(Lock);
    Irp->IoStatus.Information = NT_ERROR(Status) ? 0 : Written;
    return Status;
}

/* Times: 0 leaves one as it is, -1 too (it would stop updates, which there are few of). */
static VOID MemfsSetTime(PLARGE_INTEGER Field, LARGE_INTEGER Value)
{
    if (Value.QuadPart != 0 && Value.QuadPart != -1)
    {
        *Field = Value;
    }
}

static NTSTATUS MemfsSetBasic(PMEMFS_FCB Fcb, PFILE_BASIC_INFORMATION In)
{
    if ((In->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) && Fcb->Node == MemfsFile)
    {
        return STATUS_INVALID_PARAMETER;
    }
    MemfsSetTime(&Fcb->CreationTime, In->CreationTime);
    MemfsSetTime(&Fcb->LastAccessTime, In->LastAccessTime);
    MemfsSetTime(&Fcb->LastWriteTime, In->LastWriteTime);
    MemfsSetTime(&Fcb->ChangeTime, In->ChangeTime);
    if (In->FileAttributes != 0)
    {
        Fcb->Attributes =
            In->FileAttributes & ~(ULONG)(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MemfsSetDisposition(PMEMFS_FCB Fcb, PFILE_DISPOSITION_INFORMATION In)
{
    if (!In->DeleteFile)
    {
        Fcb->DeletePending = FALSE;
        return STATUS_SUCCESS;
    }
    if ((Fcb->Attributes & FILE_ATTRIBUTE_READONLY) || Fcb->Parent == NULL)
    {
        return STATUS_CANNOT_DELETE;
    }
    if (!IsListEmpty(&Fcb->Children))
    {
        return STATUS_DIRECTORY_NOT_EMPTY;
    }
    Fcb->DeletePending = TRUE;
    return STATUS_SUCCESS;
}

/* A target that exists gives way if it is asked to and nobody has it open. */
static NTSTATUS MemfsDisplace(PMEMFS_FCB Existing, BOOLEAN Replace)
{
    if (!Replace)
    {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (Existing->Node == MemfsDirectory || Existing->Handles != 0 ||
        (Existing->Attributes & FILE_ATTRIBUTE_READONLY))
    {
        return STATUS_ACCESS_DENIED;
    }
    MemfsUnlink(Existing);
    return STATUS_SUCCESS;
}

static BOOLEAN MemfsIsOpenInside(PMEMFS_FCB Directory)
{
    for (PLIST_ENTRY Link = Directory->Children.Flink; Link != &Directory->Children;
         Link = Link->Flink)
    {
        PMEMFS_FCB Child = CONTAINING_RECORD(Link, MEMFS_FCB, Siblings);
        if (Child->Handles != 0 || MemfsIsOpenInside(Child))
        {
            return TRUE;
        }
    }
    return FALSE;
}

static NTSTATUS MemfsRename(PMEMFS_VCB Vcb, PMEMFS_FCB Fcb, PIO_STACK_LOCATION Stack,
                            PFILE_RENAME_INFORMATION In)
{
    PFILE_OBJECT Target = Stack->Parameters.SetFile.FileObject;
    PMEMFS_FCB Directory = Target != NULL ? MemfsFcbOf(Target) : Fcb->Parent;
    UNICODE_STRING Name = {(USHORT)In->FileNameLength, (USHORT)In->FileNameLength, In->FileName};
    PMEMFS_FCB Existing, Old = Fcb->Parent;
    PWSTR Copy;
    NTSTATUS Status;

    if (Target != NULL)
    {
        Name = Target->FileName; /* the last component of the whole name */
    }
    if (Old == NULL || Fcb->Unlinked || Fcb->DeletePending || Directory->Node != MemfsDirectory ||
        Directory->DeletePending)
    {
        return STATUS_ACCESS_DENIED;
    }
    if (!MemfsIsValidName(&Name))
    {
        return STATUS_OBJECT_NAME_INVALID;
    }
    for (PMEMFS_FCB At = Directory; At != NULL; At = At->Parent)
    {
        if (At == Fcb)
        {
            return STATUS_ACCESS_DENIED; /* into itself */
        }
    }
    if (MemfsIsOpenInside(Fcb))
    {
        return STATUS_ACCESS_DENIED;
    }
    Copy = ExAllocatePoolWithTag(NonPagedPool, Name.Length, MEMFS_TAG);
    if (Copy == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Copy, Name.Buffer, Name.Length);
    Existing = MemfsFindChild(Directory, &Name);
    if (Existing != NULL && Existing != Fcb)
    {
        Status = MemfsDisplace(Existing, Stack->Parameters.SetFile.ReplaceIfExists);
        if (!NT_SUCCESS(Status))
        {
            ExFreePoolWithTag(Copy, MEMFS_TAG);
            return Status;
        }
    }
    RemoveEntryList(&Fcb->Siblings);
    ExFreePoolWithTag(Fcb->Name.Buffer, MEMFS_TAG);
    Fcb->Name.Buffer = Copy;
    Fcb->Name.Length = Fcb->Name.MaximumLength = Name.Length;
    MemfsLink(Vcb, Directory, Fcb);
    MemfsTouch(Directory, TRUE);
    MemfsTouch(Old, TRUE);
    MemfsDereference(Old); /* the child's reference */
    KeQuerySystemTime(&Fcb->ChangeTime);
    return STATUS_SUCCESS;
}

static NTSTATUS MemfsSetSize(PMEMFS_FCB Fcb, LONG64 Bytes)
{
    NTSTATUS Status = Fcb->Node == MemfsFile ? MemfsResize(Fcb, Bytes) : STATUS_INVALID_PARAMETER;

    if (NT_SUCCESS(Status))
    {
        MemfsTouch(Fcb, TRUE);
    }
    return Status;
}

static NTSTATUS MemfsSetClass(PMEMFS_VCB Vcb, PFILE_OBJECT File, PIO_STACK_LOCATION Stack,
                              PVOID Buffer)
{
    PMEMFS_FCB Fcb = MemfsFcbOf(File);
    PLARGE_INTEGER Size = Buffer;

    switch (Stack->Parameters.SetFile.FileInformationClass)
    {
    case FileBasicInformation:
        return MemfsSetBasic(Fcb, Buffer);
    case FileDispositionInformation:
        return MemfsSetDisposition(Fcb, Buffer);
    case FileRenameInformation:
        return MemfsRename(Vcb, Fcb, Stack, Buffer);
    case FilePositionInformation:
        File->CurrentByteOffset = *Size;
        return STATUS_SUCCESS;
    case FileEndOfFileInformation:
        return MemfsSetSize(Fcb, Size->QuadPart);
    case FileAllocationInformation:
        /* Only what cuts the file short is seen: blocks are as large as they need to be. */
        return Size->QuadPart < Fcb->Header.FileSize.QuadPart ? MemfsSetSize(Fcb, Size->QuadPart)
                                                              : STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS MemfsSetInformation(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    static const struct
    {
        FILE_INFORMATION_CLASS Class;
        ULONG Bytes;
        BOOLEAN Tree; /* changes names, or whether there is one */
    } Needs[] = {
        {FileBasicInformation, sizeof(FILE_BASIC_INFORMATION), FALSE},
        {FileDispositionInformation, sizeof(FILE_DISPOSITION_INFORMATION), TRUE},
        {FileRenameInformation, FIELD_OFFSET(FILE_RENAME_INFORMATION, FileName), TRUE},
        {FilePositionInformation, sizeof(LARGE_INTEGER), FALSE},
        {FileEndOfFileInformation, sizeof(LARGE_INTEGER), FALSE},
        {FileAllocationInformation, sizeof(LARGE_INTEGER), FALSE},
    };
    PFILE_OBJECT File = Stack->FileObject;
    PMEMFS_FCB Fcb = MemfsFcbOf(File);
    NTSTATUS Status = STATUS_INVALID_PARAMETER;
    ULONG i;

    for (i = 0; i < sizeof Needs / sizeof Needs[0] &&
                Needs[i].Class != Stack->Parameters.SetFile.FileInformationClass;
         i++)
    {
    }
    if (i == sizeof Needs / sizeof Needs[0] || Fcb->Node == MemfsVolumeNode)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Stack->Parameters.SetFile.Length < Needs[i].Bytes)
    {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (Vcb->Dismounted)
    {
        return STATUS_VOLUME_DISMOUNTED;
    }
    if (Needs[i].Tree)
    {
        ExAcquireResourceExclusiveLite(&Vcb->Resource, TRUE);
    }
    ExAcquireResourceExclusiveLite(&Fcb->Resource, TRUE);
    Status = MemfsSetClass(Vcb, File, Stack, Irp->AssociatedIrp.SystemBuffer);
    ExReleaseResourceLite(&Fcb->Resource);
    if (Needs[i].Tree)
    {
        ExReleaseResourceLite(&Vcb->Resource);
    }
    return Status;
}
