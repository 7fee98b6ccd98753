/*
 * Enumerating a directory. The first query of a file object fixes the pattern; later ones go on
 * where it stopped. Entries come in the order in which they entered the directory, behind "." and
 * ".." (which the root lacks). All classes but the names' begin with the same fields.
 */
#include "guest/memfs/memfs.h"

typedef struct _MEMFS_ENTRY_CLASS
{
    FILE_INFORMATION_CLASS Class;
    USHORT NameOffset;
    USHORT FileIdOffset; /* 0: none */
} MEMFS_ENTRY_CLASS;

static const MEMFS_ENTRY_CLASS Classes[] = {
    {FileDirectoryInformation, FIELD_OFFSET(FILE_DIRECTORY_INFORMATION, FileName), 0},
    {FileFullDirectoryInformation, FIELD_OFFSET(FILE_FULL_DIR_INFORMATION, FileName), 0},
    {FileBothDirectoryInformation, FIELD_OFFSET(FILE_BOTH_DIR_INFORMATION, FileName), 0},
    {FileIdFullDirectoryInformation, FIELD_OFFSET(FILE_ID_FULL_DIR_INFORMATION, FileName),
     FIELD_OFFSET(FILE_ID_FULL_DIR_INFORMATION, FileId)},
    {FileIdBothDirectoryInformation, FIELD_OFFSET(FILE_ID_BOTH_DIR_INFORMATION, FileName),
     FIELD_OFFSET(FILE_ID_BOTH_DIR_INFORMATION, FileId)},
    {FileNamesInformation, FIELD_OFFSET(FILE_NAMES_INFORMATION, FileName), 0},
};

/* The entry at Order or behind it; NULL: none. *Found is its order. */
static PMEMFS_FCB MemfsNextEntry(PMEMFS_FCB Directory, ULONG64 Order, PULONG64 Found,
                                 PUNICODE_STRING Name)
{
    static const UNICODE_STRING Dots[] = {RTL_CONSTANT_STRING(L"."), RTL_CONSTANT_STRING(L"..")};

    if (Order < 2 && Directory->Parent != NULL)
    {
        *Found = Order;
        *Name = Dots[Order];
        return Order == 0 ? Directory : Directory->Parent;
    }
    for (PLIST_ENTRY Link = Directory->Children.Flink; Link != &Directory->Children;
         Link = Link->Flink)
    {
        PMEMFS_FCB Child = CONTAINING_RECORD(Link, MEMFS_FCB, Siblings);
        if (Child->Order >= Order)
        {
            *Found = Child->Order;
            *Name = Child->Name;
            return Child;
        }
    }
    return NULL;
}

static BOOLEAN MemfsMatches(PMEMFS_CCB Ccb, PUNICODE_STRING Name)
{
    UNICODE_STRING Upper;
    BOOLEAN Matches;

    if (Ccb->Pattern.Length == 0)
    {
        return TRUE;
    }
    if (!FsRtlDoesNameContainWildCards(&Ccb->Pattern))
    {
        return RtlEqualUnicodeString(&Ccb->Pattern, Name, TRUE);
    }
    if (!NT_SUCCESS(RtlUpcaseUnicodeString(&Upper, Name, TRUE)))
    {
        return FALSE;
    }
    Matches = FsRtlIsNameInExpression(&Ccb->Pattern, &Upper, FALSE, NULL);
    RtlFreeUnicodeString(&Upper);
    return Matches;
}

static VOID MemfsFillEntry(const MEMFS_ENTRY_CLASS *Class, PMEMFS_FCB Fcb, PUNICODE_STRING Name,
                           ULONG NameBytes, PUCHAR At)
{
    RtlZeroMemory(At, Class->NameOffset);
    if (Class->Class == FileNamesInformation)
    {
        ((PFILE_NAMES_INFORMATION)At)->FileNameLength = Name->Length;
    }
    else
    {
        PFILE_DIRECTORY_INFORMATION Out = (PFILE_DIRECTORY_INFORMATION)At;
        Out->CreationTime = Fcb->CreationTime;
        Out->LastAccessTime = Fcb->LastAccessTime;
        Out->LastWriteTime = Fcb->LastWriteTime;
        Out->ChangeTime = Fcb->ChangeTime;
        Out->EndOfFile = Fcb->Header.FileSize;
        Out->AllocationSize = Fcb->Header.AllocationSize;
        Out->FileAttributes = MemfsAttributes(Fcb);
        Out->FileNameLength = Name->Length;
    }
    if (Class->FileIdOffset != 0)
    {
        *(PULONG64)(At + Class->FileIdOffset) = Fcb->FileId;
    }
    RtlCopyMemory(At + Class->NameOffset, Name->Buffer, NameBytes);
}

static NTSTATUS MemfsEnumerate(PMEMFS_FCB Directory, PMEMFS_CCB Ccb,
                               const MEMFS_ENTRY_CLASS *Class, BOOLEAN Single, PUCHAR Buffer,
                               ULONG Length, PULONG_PTR Written)
{
    BOOLEAN First = Ccb->NextOrder == 0;
    ULONG At = 0, Previous = 0;
    BOOLEAN Any = FALSE;
    UNICODE_STRING Name;
    ULONG64 Order;
    PMEMFS_FCB Entry;

    while ((Entry = MemfsNextEntry(Directory, Ccb->NextOrder, &Order, &Name)) != NULL)
    {
        ULONG Bytes = Class->NameOffset + Name.Length;
        if (!MemfsMatches(Ccb, &Name))
        {
            Ccb->NextOrder = Order + 1;
            continue;
        }
        if (At + Bytes > Length)
        {
            if (Any)
            {
                break;
            }
            if (Length < Class->NameOffset)
            {
                return STATUS_INFO_LENGTH_MISMATCH;
            }
            /* What fits of the name, and its whole length. */
            MemfsFillEntry(Class, Entry, &Name, (Length - Class->NameOffset) & ~1u, Buffer);
            *Written = Length;
            Ccb->NextOrder = Order + 1;
            return STATUS_BUFFER_OVERFLOW;
        }
        MemfsFillEntry(Class, Entry, &Name, Name.Length, Buffer + At);
        if (Any)
        {
            *(PULONG)(Buffer + Previous) = At - Previous;
        }
        Any = TRUE;
        Previous = At;
        *Written = At + Bytes;
        At = (At + Bytes + 7) & ~7u;
        Ccb->NextOrder = Order + 1;
        if (Single)
        {
            break;
        }
    }
    if (Any)
    {
        return STATUS_SUCCESS;
    }
    return First ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
}

/* "*" is all. Patterns are kept in upper case, as the matcher wants them. */
static NTSTATUS MemfsFixPattern(PMEMFS_CCB Ccb, PUNICODE_STRING Pattern)
{
    Ccb->Searched = TRUE;
    if (Pattern == NULL || Pattern->Length == 0 ||
        (Pattern->Length == sizeof(WCHAR) && Pattern->Buffer[0] == L'*'))
    {
        return STATUS_SUCCESS;
    }
    Ccb->Pattern.Buffer = ExAllocatePoolWithTag(NonPagedPool, Pattern->Length, MEMFS_TAG);
    if (Ccb->Pattern.Buffer == NULL)
    {
        Ccb->Searched = FALSE;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Ccb->Pattern.MaximumLength = Pattern->Length;
    return RtlUpcaseUnicodeString(&Ccb->Pattern, Pattern, FALSE);
}

static NTSTATUS MemfsQueryDirectory(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject;
    PMEMFS_FCB Directory = MemfsFcbOf(File);
    PMEMFS_CCB Ccb = File->FsContext2;
    PVOID Buffer = Irp->MdlAddress != NULL
                       ? MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority)
                       : Irp->UserBuffer;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    for (i = 0; i < sizeof Classes / sizeof Classes[0] &&
                Classes[i].Class != Stack->Parameters.QueryDirectory.FileInformationClass;
         i++)
    {
    }
    if (i == sizeof Classes / sizeof Classes[0])
    {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Directory->Node != MemfsDirectory)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Vcb->Dismounted)
    {
        return STATUS_VOLUME_DISMOUNTED;
    }
    ExAcquireResourceSharedLite(&Vcb->Resource, TRUE);
    if (!Ccb->Searched)
    {
        Status = MemfsFixPattern(Ccb, Stack->Parameters.QueryDirectory.FileName);
    }
    if (Stack->Flags & SL_RESTART_SCAN)
    {
        Ccb->NextOrder = 0;
    }
    if (NT_SUCCESS(Status))
    {
        Status = MemfsEnumerate(Directory, Ccb, &Classes[i],
                                (Stack->Flags & SL_RETURN_SINGLE_ENTRY) != 0, Buffer,
                                Stack->Parameters.QueryDirectory.Length,
                                &Irp->IoStatus.Information);
    }
    ExReleaseResourceLite(&Vcb->Resource);
    return Status;
}

NTSTATUS MemfsDirectoryControl(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    return Stack->MinorFunction == IRP_MN_QUERY_DIRECTORY ? MemfsQueryDirectory(Vcb, Irp, Stack)
                                                          : STATUS_INVALID_DEVICE_REQUEST;
}
