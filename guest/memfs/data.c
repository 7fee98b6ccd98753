/* Reading and writing a file's bytes. */
#include "guest/memfs/memfs.h"

/* A request that was posted has its buffer locked and mapped; any other runs in its own process. */
static PVOID MemfsBuffer(PIRP Irp)
{
    return Irp->MdlAddress != NULL
               ? MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority)
               : Irp->UserBuffer;
}

static NTSTATUS MemfsMayTransfer(PMEMFS_VCB Vcb, PFILE_OBJECT File)
{
    PMEMFS_FCB Fcb = MemfsFcbOf(File);

    if (Vcb->Dismounted)
    {
        return STATUS_VOLUME_DISMOUNTED;
    }
    if (File->Flags & FO_CLEANUP_COMPLETE)
    {
        return STATUS_FILE_CLOSED;
    }
    return Fcb->Node == MemfsFile ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
}

NTSTATUS MemfsRead(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject;
    PMEMFS_FCB Fcb = MemfsFcbOf(File);
    LONG64 Offset = Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Stack->Parameters.Read.Length;
    PUCHAR Buffer = MemfsBuffer(Irp);
    NTSTATUS Status = MemfsMayTransfer(Vcb, File);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    if (Offset < 0)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Length == 0)
    {
        return STATUS_SUCCESS;
    }
    if (Buffer == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExAcquireResourceSharedLite(&Fcb->Resource, TRUE);
    Status = STATUS_END_OF_FILE;
    if (Offset < Fcb->Header.FileSize.QuadPart)
    {
        LONG64 Left = Fcb->Header.FileSize.QuadPart - Offset;
        if (Length > Left)
        {
            Length = (ULONG)Left;
        }
        RtlCopyMemory(Buffer, Fcb->Data + Offset, Length);
        Irp->IoStatus.Information = Length;
        if (File->Flags & FO_SYNCHRONOUS_IO)
        {
            File->CurrentByteOffset.QuadPart = Offset + Length;
        }
        Status = STATUS_SUCCESS;
    }
    ExReleaseResourceLite(&Fcb->Resource);
    return Status;
}

NTSTATUS MemfsWrite(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PFILE_OBJECT File = Stack->FileObject;
    PMEMFS_FCB Fcb = MemfsFcbOf(File);
    LARGE_INTEGER At = Stack->Parameters.Write.ByteOffset;
    ULONG Length = Stack->Parameters.Write.Length;
    PUCHAR Buffer = MemfsBuffer(Irp);
    NTSTATUS Status = MemfsMayTransfer(Vcb, File);

    if (!NT_SUCCESS(Status) || Length == 0)
    {
        return Status;
    }
    if (Buffer == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExAcquireResourceExclusiveLite(&Fcb->Resource, TRUE);
    if (At.HighPart == -1 && At.LowPart == FILE_WRITE_TO_END_OF_FILE)
    {
        At = Fcb->Header.FileSize;
    }
    if (At.QuadPart < 0)
    {
        Status = STATUS_INVALID_PARAMETER;
    }
    else if (At.QuadPart + Length > Fcb->Header.FileSize.QuadPart)
    {
        Status = MemfsResize(Fcb, At.QuadPart + Length);
    }
    if (NT_SUCCESS(Status))
    {
        RtlCopyMemory(Fcb->Data + At.QuadPart, Buffer, Length);
        Irp->IoStatus.Information = Length;
        Fcb->Attributes |= FILE_ATTRIBUTE_ARCHIVE;
        MemfsTouch(Fcb, TRUE);
        File->Flags |= FO_FILE_MODIFIED;
        if (File->Flags & FO_SYNCHRONOUS_IO)
        {
            File->CurrentByteOffset.QuadPart = At.QuadPart + Length;
        }
    }
    ExReleaseResourceLite(&Fcb->Resource);
    return Status;
}

/* Nothing is cached: everything written has arrived. */
NTSTATUS MemfsFlush(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    return Vcb->Dismounted ? STATUS_VOLUME_DISMOUNTED : STATUS_SUCCESS;
}
