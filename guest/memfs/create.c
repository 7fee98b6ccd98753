/*
 * Opening and closing. Which disposition does what to a file that exists or does not is the table
 * in IRP_MJ_CREATE's documentation; share access is the I/O manager's (IoCheckShareAccess). A file
 * that is to be deleted leaves the tree with the cleanup of its last handle, and its memory goes
 * with its last reference.
 */
#include "guest/memfs/memfs.h"

typedef struct _MEMFS_OPEN
{
    PFILE_OBJECT File;
    ACCESS_MASK Access;
    ULONG Disposition, Options, Attributes, Share;
    BOOLEAN TrailingSlash;
} MEMFS_OPEN, *PMEMFS_OPEN;

/* The file object belongs to the node from here on. */
static NTSTATUS MemfsAttachFile(PMEMFS_VCB Vcb, PMEMFS_FCB Fcb, PMEMFS_OPEN Open)
{
    PMEMFS_CCB Ccb = ExAllocatePoolWithTag(NonPagedPool, sizeof *Ccb, MEMFS_TAG);

    if (Ccb == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Ccb, sizeof *Ccb);
    Ccb->DeleteOnClose = (Open->Options & FILE_DELETE_ON_CLOSE) != 0;
    InterlockedIncrement(&Fcb->References);
    Fcb->Handles++;
    Open->File->FsContext = Fcb;
    Open->File->FsContext2 = Ccb;
    return STATUS_SUCCESS;
}

static NTSTATUS MemfsShare(PMEMFS_FCB Fcb, PMEMFS_OPEN Open)
{
    ULONG More = Open->Disposition == FILE_SUPERSEDE ? DELETE
                 : Open->Disposition == FILE_OVERWRITE || Open->Disposition == FILE_OVERWRITE_IF
                     ? FILE_WRITE_DATA
                     : 0;

    if (Fcb->Handles == 0)
    {
        IoSetShareAccess(Open->Access, Open->Share, Open->File, &Fcb->ShareAccess);
        return STATUS_SUCCESS;
    }
    if (More != 0 && (Open->Access & More) == 0)
    {
        NTSTATUS Status = IoCheckShareAccess(Open->Access | More, Open->Share, Open->File,
                                             &Fcb->ShareAccess, FALSE);
        if (!NT_SUCCESS(Status))
        {
            return Status;
        }
    }
    return IoCheckShareAccess(Open->Access, Open->Share, Open->File, &Fcb->ShareAccess, TRUE);
}

static NTSTATUS MemfsMayOpen(PMEMFS_FCB Fcb, PMEMFS_OPEN Open)
{
    BOOLEAN Replaces = Open->Disposition == FILE_SUPERSEDE || Open->Disposition == FILE_OVERWRITE ||
                       Open->Disposition == FILE_OVERWRITE_IF;

    if (Fcb->DeletePending)
    {
        return STATUS_DELETE_PENDING;
    }
    if (Open->Disposition == FILE_CREATE)
    {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (Fcb->Node == MemfsDirectory)
    {
        if (Open->Options & FILE_NON_DIRECTORY_FILE)
        {
            return STATUS_FILE_IS_A_DIRECTORY;
        }
        if (Replaces)
        {
            return STATUS_OBJECT_NAME_COLLISION;
        }
        return (Open->Options & FILE_DELETE_ON_CLOSE) && Fcb->Parent == NULL ? STATUS_CANNOT_DELETE
                                                                            : STATUS_SUCCESS;
    }
    if (Open->Options & FILE_DIRECTORY_FILE)
    {
        return STATUS_NOT_A_DIRECTORY;
    }
    if (Open->TrailingSlash)
    {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Fcb->Attributes & FILE_ATTRIBUTE_READONLY)
    {
        if (Replaces || (Open->Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
        {
            return STATUS_ACCESS_DENIED;
        }
        if (Open->Options & FILE_DELETE_ON_CLOSE)
        {
            return STATUS_CANNOT_DELETE;
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MemfsOpenExisting(PMEMFS_VCB Vcb, PMEMFS_FCB Fcb, PMEMFS_OPEN Open,
                                  PULONG_PTR Information)
{
    NTSTATUS Status = MemfsMayOpen(Fcb, Open);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    ExAcquireResourceExclusiveLite(&Fcb->Resource, TRUE);
    Status = MemfsShare(Fcb, Open);
    if (NT_SUCCESS(Status))
    {
        Status = MemfsAttachFile(Vcb, Fcb, Open);
        if (!NT_SUCCESS(Status))
        {
            IoRemoveShareAccess(Open->File, &Fcb->ShareAccess);
        }
    }
    if (NT_SUCCESS(Status))
    {
        *Information = FILE_OPENED;
        if (Open->Disposition == FILE_SUPERSEDE || Open->Disposition == FILE_OVERWRITE ||
            Open->Disposition == FILE_OVERWRITE_IF)
        {
            MemfsResize(Fcb, 0);
            Fcb->Attributes = (Open->Disposition == FILE_SUPERSEDE ? 0 : Fcb->Attributes) |
                              (Open->Attributes & ~(ULONG)(FILE_ATTRIBUTE_NORMAL |
                                                           FILE_ATTRIBUTE_DIRECTORY)) |
                              FILE_ATTRIBUTE_ARCHIVE;
            MemfsTouch(Fcb, TRUE);
            *Information =
                Open->Disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
        }
    }
    ExReleaseResourceLite(&Fcb->Resource);
    return Status;
}

static NTSTATUS MemfsOpenNew(PMEMFS_VCB Vcb, PMEMFS_FCB Parent, PCUNICODE_STRING Name,
                             PMEMFS_OPEN Open, PULONG_PTR Information)
{
    MEMFS_NODE Node =
        (Open->Options & FILE_DIRECTORY_FILE) ? MemfsDirectory : MemfsFile;
    PMEMFS_FCB Fcb;
    NTSTATUS Status;

    if (Open->Disposition == FILE_OPEN || Open->Disposition == FILE_OVERWRITE)
    {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (Open->TrailingSlash && Node == MemfsFile)
    {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Parent->DeletePending)
    {
        return STATUS_DELETE_PENDING;
    }
    Fcb = MemfsCreateNode(Node, Name,
                          Open->Attributes | (Node == MemfsFile ? FILE_ATTRIBUTE_ARCHIVE : 0));
    if (Fcb == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = MemfsAttachFile(Vcb, Fcb, Open);
    if (!NT_SUCCESS(Status))
    {
        MemfsDereference(Fcb);
        return Status;
    }
    IoSetShareAccess(Open->Access, Open->Share, Open->File, &Fcb->ShareAccess);
    MemfsLink(Vcb, Parent, Fcb);
    MemfsTouch(Parent, TRUE);
    *Information = FILE_CREATED;
    return Status;
}

/* For a rename: the directory that is to hold the new name, which becomes the file's name. */
static NTSTATUS MemfsOpenTarget(PMEMFS_VCB Vcb, PMEMFS_FCB Found, NTSTATUS Walked,
                                PUNICODE_STRING Last, PMEMFS_OPEN Open, PULONG_PTR Information)
{
    PMEMFS_FCB Directory = NT_SUCCESS(Walked) ? Found->Parent : Found;
    ULONG_PTR Opened;
    NTSTATUS Status;

    if (Directory == NULL)
    {
        return STATUS_INVALID_PARAMETER;
    }
    Open->Disposition = FILE_OPEN;
    Open->Options = (Open->Options & ~(ULONG)FILE_NON_DIRECTORY_FILE) | FILE_DIRECTORY_FILE;
    Status = MemfsOpenExisting(Vcb, Directory, Open, &Opened);
    if (NT_SUCCESS(Status))
    {
        RtlMoveMemory(Open->File->FileName.Buffer, Last->Buffer, Last->Length);
        Open->File->FileName.Length = Last->Length;
        *Information = NT_SUCCESS(Walked) ? FILE_EXISTS : FILE_DOES_NOT_EXIST;
    }
    return Status;
}

static NTSTATUS MemfsOpenVolume(PMEMFS_VCB Vcb, PMEMFS_OPEN Open, PULONG_PTR Information)
{
    NTSTATUS Status;

    if (Open->Disposition != FILE_OPEN && Open->Disposition != FILE_OPEN_IF)
    {
        return STATUS_ACCESS_DENIED;
    }
    if (Open->Options & FILE_DIRECTORY_FILE)
    {
        return STATUS_NOT_A_DIRECTORY;
    }
    Open->Disposition = FILE_OPEN;
    Status = MemfsShare(Vcb->Volume, Open);
    if (NT_SUCCESS(Status))
    {
        Status = MemfsAttachFile(Vcb, Vcb->Volume, Open);
        if (NT_SUCCESS(Status))
        {
            Open->File->Flags |= FO_VOLUME_OPEN;
            *Information = FILE_OPENED;
        }
        else
        {
            IoRemoveShareAccess(Open->File, &Vcb->Volume->ShareAccess);
        }
    }
    return Status;
}

static NTSTATUS MemfsOpenByName(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject, Related = File->RelatedFileObject;
    MEMFS_OPEN Open = {.File = File,
                       .Access = Stack->Parameters.Create.SecurityContext->DesiredAccess,
                       .Disposition = Stack->Parameters.Create.Options >> 24,
                       .Options = Stack->Parameters.Create.Options & 0xFFFFFF,
                       .Attributes = Stack->Parameters.Create.FileAttributes,
                       .Share = Stack->Parameters.Create.ShareAccess};
    PMEMFS_FCB Start = Vcb->Root, Found;
    UNICODE_STRING Last;
    NTSTATUS Status;

    if (Vcb->Dismounted)
    {
        return STATUS_VOLUME_DISMOUNTED;
    }
    if (Open.Options & FILE_OPEN_BY_FILE_ID)
    {
        return STATUS_NOT_SUPPORTED;
    }
    if (Related != NULL)
    {
        Start = MemfsFcbOf(Related);
        if (Start->Node == MemfsVolumeNode && File->FileName.Length == 0)
        {
            return MemfsOpenVolume(Vcb, &Open, &Irp->IoStatus.Information);
        }
        if (Start->Node == MemfsFile && File->FileName.Length != 0)
        {
            return STATUS_OBJECT_PATH_NOT_FOUND;
        }
    }
    else if (File->FileName.Length == 0)
    {
        return MemfsOpenVolume(Vcb, &Open, &Irp->IoStatus.Information);
    }
    else if (File->FileName.Buffer[0] != L'\\')
    {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Status = MemfsWalk(Start, &File->FileName, &Found, &Last, &Open.TrailingSlash);
    if (Stack->Flags & SL_OPEN_TARGET_DIRECTORY)
    {
        return NT_SUCCESS(Status) || Status == STATUS_OBJECT_NAME_NOT_FOUND
                   ? MemfsOpenTarget(Vcb, Found, Status, &Last, &Open, &Irp->IoStatus.Information)
                   : Status;
    }
    if (NT_SUCCESS(Status))
    {
        return MemfsOpenExisting(Vcb, Found, &Open, &Irp->IoStatus.Information);
    }
    return Status == STATUS_OBJECT_NAME_NOT_FOUND
               ? MemfsOpenNew(Vcb, Found, &Last, &Open, &Irp->IoStatus.Information)
               : Status;
}

NTSTATUS MemfsCreate(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    NTSTATUS Status;

    ExAcquireResourceExclusiveLite(&Vcb->Resource, TRUE);
    Status = MemfsOpenByName(Vcb, Irp, Stack);
    ExReleaseResourceLite(&Vcb->Resource);
    return Status;
}

/* The last handle goes: a deleted file leaves the tree. */
NTSTATUS MemfsCleanup(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject;
    PMEMFS_FCB Fcb = MemfsFcbOf(File);
    PMEMFS_CCB Ccb = File->FsContext2;
    BOOLEAN Tree = Ccb->DeleteOnClose || Fcb->DeletePending;

    /* Only a deletion changes the tree. Whether there is one is looked at again under the lock. */
    if (Tree)
    {
        ExAcquireResourceExclusiveLite(&Vcb->Resource, TRUE);
    }
    ExAcquireResourceExclusiveLite(&Fcb->Resource, TRUE);
    IoRemoveShareAccess(File, &Fcb->ShareAccess);
    Fcb->Handles--;
    if (Ccb->DeleteOnClose && IsListEmpty(&Fcb->Children))
    {
        Fcb->DeletePending = TRUE;
    }
    File->Flags |= FO_CLEANUP_COMPLETE;
    if (Tree && Fcb->Handles == 0 && Fcb->DeletePending && !Fcb->Unlinked)
    {
        MemfsTouch(Fcb->Parent, TRUE);
        ExReleaseResourceLite(&Fcb->Resource);
        MemfsUnlink(Fcb); /* the file object's reference remains */
    }
    else
    {
        ExReleaseResourceLite(&Fcb->Resource);
    }
    if (Tree)
    {
        ExReleaseResourceLite(&Vcb->Resource);
    }
    return STATUS_SUCCESS;
}

NTSTATUS MemfsClose(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject;
    PMEMFS_FCB Fcb = MemfsFcbOf(File);
    PMEMFS_CCB Ccb = File->FsContext2;

    if (Ccb->Pattern.Buffer != NULL)
    {
        ExFreePoolWithTag(Ccb->Pattern.Buffer, MEMFS_TAG);
    }
    ExFreePoolWithTag(Ccb, MEMFS_TAG);
    File->FsContext = File->FsContext2 = NULL;
    MemfsDereference(Fcb);
    MemfsEndVolumeIfDue(Vcb);
    return STATUS_SUCCESS;
}
