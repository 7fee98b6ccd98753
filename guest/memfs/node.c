/* The tree of names: nodes, links, look-up, paths; and a file's data block. */
#include "guest/memfs/memfs.h"

static BOOLEAN MemfsCopyName(PUNICODE_STRING To, PCUNICODE_STRING From)
{
    RtlZeroMemory(To, sizeof *To);
    if (From->Length != 0)
    {
        To->Buffer = ExAllocatePoolWithTag(NonPagedPool, From->Length, MEMFS_TAG);
        if (To->Buffer == NULL)
        {
            return FALSE;
        }
        RtlCopyMemory(To->Buffer, From->Buffer, From->Length);
        To->Length = To->MaximumLength = From->Length;
    }
    return TRUE;
}

/* One reference: its place in the tree. */
PMEMFS_FCB MemfsCreateNode(MEMFS_NODE Node, PCUNICODE_STRING Name, ULONG Attributes)
{
    PMEMFS_FCB Fcb = ExAllocatePoolWithTag(NonPagedPool, sizeof *Fcb, MEMFS_TAG);

    if (Fcb == NULL)
    {
        return NULL;
    }
    RtlZeroMemory(Fcb, sizeof *Fcb);
    if (!MemfsCopyName(&Fcb->Name, Name))
    {
        ExFreePoolWithTag(Fcb, MEMFS_TAG);
        return NULL;
    }
    ExInitializeFastMutex(&Fcb->HeaderMutex);
    ExInitializeResourceLite(&Fcb->Resource);
    Fcb->Header.NodeTypeCode = (CSHORT)(0x4D00 + Node);
    Fcb->Header.NodeByteSize = sizeof *Fcb;
    Fcb->Header.Resource = &Fcb->Resource;
    Fcb->Header.IsFastIoPossible = FastIoIsNotPossible;
    FsRtlSetupAdvancedHeader(&Fcb->Header, &Fcb->HeaderMutex);
    Fcb->Node = Node;
    Fcb->Attributes = Attributes & (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN |
                                    FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_ARCHIVE |
                                    FILE_ATTRIBUTE_TEMPORARY);
    InitializeListHead(&Fcb->Children);
    KeQuerySystemTime(&Fcb->CreationTime);
    Fcb->LastAccessTime = Fcb->LastWriteTime = Fcb->ChangeTime = Fcb->CreationTime;
    Fcb->References = 1;
    return Fcb;
}

VOID MemfsLink(PMEMFS_VCB Vcb, PMEMFS_FCB Parent, PMEMFS_FCB Fcb)
{
    Fcb->Parent = Parent;
    InterlockedIncrement(&Parent->References);
    Fcb->Order = Vcb->NextOrder++;
    if (Fcb->FileId == 0)
    {
        Fcb->FileId = Fcb->Order;
    }
    InsertTailList(&Parent->Children, &Fcb->Siblings);
}

/* Out of the tree. The parent stays referenced, so that the file can still say its name. */
VOID MemfsUnlink(PMEMFS_FCB Fcb)
{
    RemoveEntryList(&Fcb->Siblings);
    Fcb->Unlinked = TRUE;
    MemfsDereference(Fcb);
}

VOID MemfsDereference(PMEMFS_FCB Fcb)
{
    while (Fcb != NULL && InterlockedDecrement(&Fcb->References) == 0)
    {
        PMEMFS_FCB Parent = Fcb->Parent;
        ExDeleteResourceLite(&Fcb->Resource);
        if (Fcb->Header.Flags2 & FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS)
        {
            FsRtlTeardownPerStreamContexts(&Fcb->Header);
        }
        if (Fcb->Data != NULL)
        {
            ExFreePoolWithTag(Fcb->Data, MEMFS_TAG);
        }
        if (Fcb->Name.Buffer != NULL)
        {
            ExFreePoolWithTag(Fcb->Name.Buffer, MEMFS_TAG);
        }
        ExFreePoolWithTag(Fcb, MEMFS_TAG);
        Fcb = Parent;
    }
}

PMEMFS_FCB MemfsFindChild(PMEMFS_FCB Parent, PCUNICODE_STRING Name)
{
    for (PLIST_ENTRY Link = Parent->Children.Flink; Link != &Parent->Children; Link = Link->Flink)
    {
        PMEMFS_FCB Child = CONTAINING_RECORD(Link, MEMFS_FCB, Siblings);
        if (RtlEqualUnicodeString(&Child->Name, Name, TRUE))
        {
            return Child;
        }
    }
    return NULL;
}

BOOLEAN MemfsIsValidName(PCUNICODE_STRING Name)
{
    static const WCHAR Forbidden[] = L"\"*/:<>?\\|";

    if (Name->Length == 0 || Name->Length > 255 * sizeof(WCHAR))
    {
        return FALSE;
    }
    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR); i++)
    {
        if (Name->Buffer[i] < L' ')
        {
            return FALSE;
        }
        for (PCWSTR Bad = Forbidden; *Bad != 0; Bad++)
        {
            if (Name->Buffer[i] == *Bad)
            {
                return FALSE;
            }
        }
    }
    return TRUE;
}

NTSTATUS MemfsWalk(PMEMFS_FCB Start, PCUNICODE_STRING Path, PMEMFS_FCB *Fcb, PUNICODE_STRING Last,
                   PBOOLEAN TrailingSlash)
{
    USHORT At = 0, Length = Path->Length / sizeof(WCHAR);

    *Fcb = Start;
    *TrailingSlash = Length > 1 && Path->Buffer[Length - 1] == L'\\';
    if (*TrailingSlash)
    {
        Length--;
    }
    RtlZeroMemory(Last, sizeof *Last);
    if (Length != 0 && Path->Buffer[0] == L'\\')
    {
        At++;
    }
    while (At < Length)
    {
        USHORT End = At;
        PMEMFS_FCB Child;
        while (End < Length && Path->Buffer[End] != L'\\')
        {
            End++;
        }
        Last->Buffer = Path->Buffer + At;
        Last->Length = Last->MaximumLength = (USHORT)((End - At) * sizeof(WCHAR));
        if (!MemfsIsValidName(Last))
        {
            return STATUS_OBJECT_NAME_INVALID;
        }
        if ((*Fcb)->Node != MemfsDirectory)
        {
            return STATUS_OBJECT_PATH_NOT_FOUND;
        }
        Child = MemfsFindChild(*Fcb, Last);
        if (Child == NULL)
        {
            return End == Length ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
        }
        *Fcb = Child;
        At = End + 1;
    }
    return STATUS_SUCCESS;
}

ULONG MemfsPath(PMEMFS_FCB Fcb, PWCHAR Buffer, ULONG Bytes)
{
    ULONG Total = 0, End;

    if (Fcb->Node == MemfsVolumeNode)
    {
        return 0;
    }
    for (PMEMFS_FCB At = Fcb; At->Parent != NULL; At = At->Parent)
    {
        Total += sizeof(WCHAR) + At->Name.Length;
    }
    if (Total == 0)
    {
        if (Bytes >= sizeof(WCHAR))
        {
            Buffer[0] = L'\\';
        }
        return sizeof(WCHAR);
    }
    End = Total;
    for (PMEMFS_FCB At = Fcb; At->Parent != NULL; At = At->Parent)
    {
        for (ULONG i = At->Name.Length / sizeof(WCHAR); i-- > 0;)
        {
            End -= sizeof(WCHAR);
            if (End + sizeof(WCHAR) <= Bytes)
            {
                Buffer[End / sizeof(WCHAR)] = At->Name.Buffer[i];
            }
        }
        End -= sizeof(WCHAR);
        if (End + sizeof(WCHAR) <= Bytes)
        {
            Buffer[End / sizeof(WCHAR)] = L'\\';
        }
    }
    return Total;
}

/* New bytes are zero. */
NTSTATUS MemfsResize(PMEMFS_FCB Fcb, LONG64 FileSize)
{
    LONG64 Old = Fcb->Header.FileSize.QuadPart;

    if (FileSize < 0 || FileSize > MEMFS_MAXIMUM_FILE)
    {
        return FileSize < 0 ? STATUS_INVALID_PARAMETER : STATUS_DISK_FULL;
    }
    if (FileSize > Fcb->Header.AllocationSize.QuadPart)
    {
        ULONG Bytes = ((ULONG)FileSize + MEMFS_SECTOR - 1) & ~(MEMFS_SECTOR - 1);
        PUCHAR Data = ExAllocatePoolWithTag(NonPagedPool, Bytes, MEMFS_TAG);
        if (Data == NULL)
        {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlCopyMemory(Data, Fcb->Data, (SIZE_T)Old);
        if (Fcb->Data != NULL)
        {
            ExFreePoolWithTag(Fcb->Data, MEMFS_TAG);
        }
        Fcb->Data = Data;
        Fcb->Header.AllocationSize.QuadPart = Bytes;
    }
    if (FileSize > Old)
    {
        RtlZeroMemory(Fcb->Data + Old, (SIZE_T)(FileSize - Old));
    }
    Fcb->Header.FileSize.QuadPart = FileSize;
    Fcb->Header.ValidDataLength.QuadPart = FileSize;
    return STATUS_SUCCESS;
}

ULONG MemfsAttributes(PMEMFS_FCB Fcb)
{
    ULONG Attributes =
        Fcb->Attributes | (Fcb->Node == MemfsFile ? 0 : FILE_ATTRIBUTE_DIRECTORY);

    return Attributes != 0 ? Attributes : FILE_ATTRIBUTE_NORMAL;
}

VOID MemfsTouch(PMEMFS_FCB Fcb, BOOLEAN Written)
{
    KeQuerySystemTime(&Fcb->LastAccessTime);
    if (Written)
    {
        Fcb->LastWriteTime = Fcb->ChangeTime = Fcb->LastAccessTime;
    }
}
