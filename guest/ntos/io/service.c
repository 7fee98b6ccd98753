/*
 * Read, write, control and flush requests on open files: what lies between a system call and
 * IofCallDriver, for the three ways of passing buffers. What a user address may do wrong becomes a status:
 * copies are guarded, and pages are probed before they are locked.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"
#include "guest/include/mi.h"
#include "guest/include/seh.h"

#define IOP_BUFFER_TAG 0x66754249 /* 'IBuf' */

static BOOLEAN IopIsUserRange(PVOID Address, ULONG Length)
{
    ULONG64 Start = RD_ADDRESS(Address);

    return Start >= RD_USER_BASE && Start + Length <= RD_USER_BASE + RD_USER_SIZE;
}

NTSTATUS IopProbe(PVOID Address, ULONG Length, KPROCESSOR_MODE Mode)
{
    return Mode == KernelMode || Length == 0 || IopIsUserRange(Address, Length)
               ? STATUS_SUCCESS
               : STATUS_ACCESS_VIOLATION;
}

/* One request at a time on a synchronous file. */
static VOID IopLockFile(PFILE_OBJECT File)
{
    if (File->Flags & FO_SYNCHRONOUS_IO)
    {
        File->Waiters++;
        while (File->Busy)
        {
            KeWaitForSingleObject(&File->Lock, Executive, KernelMode, FALSE, NULL);
        }
        File->Waiters--;
        File->Busy = TRUE;
        ObfReferenceObject(File);
    }
}

static VOID IopUnlockFile(PFILE_OBJECT File)
{
    if (File->Flags & FO_SYNCHRONOUS_IO)
    {
        File->Busy = FALSE;
        if (File->Waiters != 0)
        {
            KeSetEvent(&File->Lock, IO_NO_INCREMENT, FALSE);
        }
        ObfDereferenceObject(File);
    }
}

static VOID IopAbandonRequest(PIOP_REQUEST Request)
{
    if (Request->Event != NULL)
    {
        ObfDereferenceObject(Request->Event);
    }
    IopUnlockFile(Request->File);
    ObfDereferenceObject(Request->File);
}

NTSTATUS IopBeginRequest(PIOP_REQUEST Request, HANDLE FileHandle, HANDLE EventHandle,
                                PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                PIO_STATUS_BLOCK IoStatusBlock, UCHAR Major)
{
    PVOID Object;
    NTSTATUS Status;

    RtlZeroMemory(Request, sizeof *Request);
    Request->Mode = KiCurrentThread()->PreviousMode;
    Status = ObReferenceObjectByHandle(FileHandle, 0, ObpFileType, Request->Mode, &Object, NULL);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Request->File = Object;
    if (EventHandle != NULL)
    {
        Status = ObReferenceObjectByHandle(EventHandle, EVENT_MODIFY_STATE, ObpEventType,
                                           Request->Mode, &Object, NULL);
        if (!NT_SUCCESS(Status))
        {
            ObfDereferenceObject(Request->File);
            return Status;
        }
        Request->Event = Object;
        KeClearEvent(Request->Event);
    }
    IopLockFile(Request->File);
    KeClearEvent(&Request->File->Event);
    Request->Device = IoGetRelatedDeviceObject(Request->File);
    Request->Irp = IoAllocateIrp(Request->Device->StackSize, FALSE);
    if (Request->Irp == NULL)
    {
        IopAbandonRequest(Request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Request->Irp->Tail.Overlay.OriginalFileObject = Request->File;
    Request->Irp->Tail.Overlay.Thread = (PETHREAD)KiCurrentThread();
    Request->Irp->RequestorMode = Request->Mode;
    Request->Irp->UserEvent = Request->Event;
    Request->Irp->UserIosb = IoStatusBlock;
    Request->Irp->Overlay.AsynchronousParameters.UserApcRoutine = ApcRoutine;
    Request->Irp->Overlay.AsynchronousParameters.UserApcContext = ApcContext;
    Request->Irp->Flags = IRP_DEFER_IO_COMPLETION;
    Request->Stack = IoGetNextIrpStackLocation(Request->Irp);
    Request->Stack->MajorFunction = Major;
    Request->Stack->FileObject = Request->File;
    return STATUS_SUCCESS;
}

NTSTATUS IopFailRequest(PIOP_REQUEST Request, NTSTATUS Status)
{
    while (Request->Irp->MdlAddress != NULL)
    {
        PMDL Mdl = Request->Irp->MdlAddress;
        Request->Irp->MdlAddress = Mdl->Next;
        IoFreeMdl(Mdl);
    }
    if (Request->Irp->AssociatedIrp.SystemBuffer != NULL)
    {
        ExFreePoolWithTag(Request->Irp->AssociatedIrp.SystemBuffer, IOP_BUFFER_TAG);
    }
    IopFreeAuxiliaryBuffer(Request->Irp);
    IoFreeIrp(Request->Irp);
    IopAbandonRequest(Request);
    return Status;
}

/* An alert or an APC ended the wait for a synchronous request: cancel it, then wait for it after
 * all. */
static VOID IopCancelAlertedRequest(PFILE_OBJECT File, PIRP Irp)
{
    if (KeReadStateEvent(&File->Event) == 0)
    {
        IoCancelIrp(Irp); /* stage 2 runs in this thread, so the IRP is still there */
        KeWaitForSingleObject(&File->Event, Executive, KernelMode, FALSE, NULL);
    }
}

NTSTATUS IopSendRequest(PIOP_REQUEST Request)
{
    PFILE_OBJECT File = Request->File;
    BOOLEAN Synchronous = (File->Flags & FO_SYNCHRONOUS_IO) != 0;
    BOOLEAN Volume = File->Vpb != NULL;
    NTSTATUS Status, WaitStatus;

    IopQueueThreadIrp(Request->Irp);
    Status = IofCallDriver(Request->Device, Request->Irp);
    if (Status != STATUS_PENDING)
    {
        IopCompleteDirectly(Request->Irp, File);
    }
    if (Volume && !(Synchronous && Status == STATUS_PENDING))
    {
        RdSchedule(); /* IopEndRequestOnVolume; an asynchronous request may have taken the file along */
    }
    if (!Synchronous)
    {
        return Status;
    }
    if (Status == STATUS_PENDING)
    {
        WaitStatus = KeWaitForSingleObject(&File->Event, Executive, Request->Mode,
                                           (File->Flags & FO_ALERTABLE_IO) != 0, NULL);
        if (WaitStatus != STATUS_SUCCESS)
        {
            IopCancelAlertedRequest(File, Request->Irp);
        }
        Status = File->FinalStatus;
    }
    IopUnlockFile(File);
    return Status;
}

NTSTATUS IopAllocateSystemBuffer(PIRP Irp, PVOID Input, ULONG InputLength, ULONG Size)
{
    Irp->Flags |= IRP_BUFFERED_IO;
    if (Size == 0)
    {
        return STATUS_SUCCESS;
    }
    Irp->AssociatedIrp.SystemBuffer = ExAllocatePoolWithTag(NonPagedPool, Size, IOP_BUFFER_TAG);
    if (Irp->AssociatedIrp.SystemBuffer == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->Flags |= IRP_DEALLOCATE_BUFFER;
    return KiCopyGuarded(Irp->AssociatedIrp.SystemBuffer, Input, InputLength);
}

NTSTATUS IopLockBuffer(PIOP_REQUEST Request, PVOID Buffer, ULONG Length,
                              LOCK_OPERATION Operation)
{
    PMDL Mdl;
    NTSTATUS Status;

    if (Length == 0)
    {
        return STATUS_SUCCESS;
    }
    Status = MiProbePages(Buffer, Length, Request->Mode);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, Request->Irp);
    if (Mdl == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmProbeAndLockPages(Mdl, Request->Mode, Operation);
    return STATUS_SUCCESS;
}

static NTSTATUS IopPassBuffers(PIOP_REQUEST Request, ULONG Method, PVOID Input, ULONG InputLength,
                               PVOID Output, ULONG OutputLength)
{
    PIRP Irp = Request->Irp;
    NTSTATUS Status;

    Irp->UserBuffer = Output;
    switch (Method)
    {
    case METHOD_BUFFERED:
        if (OutputLength != 0)
        {
            Irp->Flags |=
                IRP_INPUT_OPERATION; /* the output buffer receives what the driver returns */
        }
        return IopAllocateSystemBuffer(Irp, Input, InputLength,
                                       InputLength > OutputLength ? InputLength : OutputLength);
    case METHOD_IN_DIRECT:
    case METHOD_OUT_DIRECT:
        Status = IopAllocateSystemBuffer(Irp, Input, InputLength, InputLength);
        return NT_SUCCESS(Status)
                   ? IopLockBuffer(Request, Output, OutputLength,
                                   Method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess)
                   : Status;
    default:
        Request->Stack->Parameters.DeviceIoControl.Type3InputBuffer = Input;
        return STATUS_SUCCESS;
    }
}

static NTSTATUS IopControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Code,
                               PVOID Input, ULONG InputLength, PVOID Output, ULONG OutputLength,
                               UCHAR Major)
{
    IOP_REQUEST Request;
    ACCESS_MASK Needed = (Code >> 14) & (FILE_READ_ACCESS | FILE_WRITE_ACCESS);
    NTSTATUS Status =
        IopBeginRequest(&Request, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Major);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Request.Stack->Parameters.DeviceIoControl.IoControlCode = Code;
    Request.Stack->Parameters.DeviceIoControl.InputBufferLength = InputLength;
    Request.Stack->Parameters.DeviceIoControl.OutputBufferLength = OutputLength;
    if (Request.Mode != KernelMode &&
        (((Needed & FILE_READ_ACCESS) && !Request.File->ReadAccess) ||
         ((Needed & FILE_WRITE_ACCESS) && !Request.File->WriteAccess)))
    {
        Status = STATUS_ACCESS_DENIED;
    }
    if (NT_SUCCESS(Status) && METHOD_FROM_CTL_CODE(Code) != METHOD_NEITHER)
    {
        Status = IopProbe(Input, InputLength, Request.Mode);
        Status = NT_SUCCESS(Status) ? IopProbe(Output, OutputLength, Request.Mode) : Status;
    }
    if (NT_SUCCESS(Status))
    {
        Status = IopPassBuffers(&Request, METHOD_FROM_CTL_CODE(Code), Input, InputLength, Output,
                                OutputLength);
    }
    return NT_SUCCESS(Status) ? IopSendRequest(&Request) : IopFailRequest(&Request, Status);
}

/* On a synchronous file an offset of -2 stands for where the file object is. */
static BOOLEAN IopIsAtPosition(PFILE_OBJECT File, PLARGE_INTEGER Offset)
{
    return (File->Flags & FO_SYNCHRONOUS_IO) && Offset->HighPart == -1 &&
           Offset->LowPart == FILE_USE_FILE_POINTER_POSITION;
}

/* Read or write, by what the target device's flags ask for. */
static NTSTATUS IopTransfer(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                            PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                            ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key, BOOLEAN Write)
{
    IOP_REQUEST Request;
    PIRP Irp;
    NTSTATUS Status = IopBeginRequest(&Request, FileHandle, Event, ApcRoutine, ApcContext,
                                      IoStatusBlock, Write ? IRP_MJ_WRITE : IRP_MJ_READ);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Irp = Request.Irp;
    Irp->UserBuffer = Buffer;
    Irp->Flags |= Write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    /* Read and Write have the same layout. */
    Request.Stack->Parameters.Read.Length = Length;
    Request.Stack->Parameters.Read.Key = Key != NULL ? *Key : 0;
    if (ByteOffset != NULL && !IopIsAtPosition(Request.File, ByteOffset))
    {
        Request.Stack->Parameters.Read.ByteOffset = *ByteOffset;
    }
    else
    {
        Request.Stack->Parameters.Read.ByteOffset = Request.File->CurrentByteOffset;
    }
    Status = IopProbe(Buffer, Length, Request.Mode);
    if (Request.Mode != KernelMode &&
        !(Write ? Request.File->WriteAccess : Request.File->ReadAccess))
    {
        Status = STATUS_ACCESS_DENIED;
    }
    if (NT_SUCCESS(Status) && (Request.Device->Flags & DO_BUFFERED_IO))
    {
        if (!Write)
        {
            Irp->Flags |= IRP_INPUT_OPERATION;
        }
        Status = IopAllocateSystemBuffer(Irp, Buffer, Write ? Length : 0, Length);
    }
    else if (NT_SUCCESS(Status) && (Request.Device->Flags & DO_DIRECT_IO))
    {
        Status = IopLockBuffer(&Request, Buffer, Length, Write ? IoReadAccess : IoWriteAccess);
    }
    return NT_SUCCESS(Status) ? IopSendRequest(&Request) : IopFailRequest(&Request, Status);
}

NTEXPORT(NtDeviceIoControlFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                     ULONG IoControlCode, PVOID InputBuffer,
                                     ULONG InputBufferLength, PVOID OutputBuffer,
                                     ULONG OutputBufferLength)
{
    return IopControlFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, IoControlCode,
                          InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength,
                          IRP_MJ_DEVICE_CONTROL);
}

NTEXPORT(ZwDeviceIoControlFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                     ULONG IoControlCode, PVOID InputBuffer,
                                     ULONG InputBufferLength, PVOID OutputBuffer,
                                     ULONG OutputBufferLength)
{
    ZW(NtDeviceIoControlFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                             IoControlCode, InputBuffer, InputBufferLength, OutputBuffer,
                             OutputBufferLength));
}

NTEXPORT(NtFsControlFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI NtFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    return IopControlFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, FsControlCode,
                          InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength,
                          IRP_MJ_FILE_SYSTEM_CONTROL);
}

NTEXPORT(ZwFsControlFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    ZW(NtFsControlFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, FsControlCode,
                       InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength));
}

NTEXPORT(NtReadFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                          PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                          ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return IopTransfer(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer, Length,
                       ByteOffset, Key, FALSE);
}

NTEXPORT(ZwReadFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                          PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                          ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    ZW(NtReadFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer, Length,
                  ByteOffset, Key));
}

NTEXPORT(NtWriteFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                           ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return IopTransfer(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer, Length,
                       ByteOffset, Key, TRUE);
}

NTEXPORT(ZwWriteFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                           ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    ZW(NtWriteFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer, Length,
                   ByteOffset, Key));
}

NTSTATUS IopSynchronousRequest(PIOP_REQUEST Request, PIO_STATUS_BLOCK IoStatusBlock)
{
    IO_STATUS_BLOCK IoStatus = {0};
    NTSTATUS Status = IopCallAndComplete(Request->Device, Request->Irp, Request->File, &IoStatus);

    IoStatusBlock->Status = Status;
    IoStatusBlock->Information = IoStatus.Information;
    IopUnlockFile(Request->File);
    ObfDereferenceObject(Request->File); /* ours; the IRP took one of its own */
    return Status;
}

NTSTATUS NTAPI NtFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_REQUEST Request;
    NTSTATUS Status = IopBeginRequest(&Request, FileHandle, NULL, NULL, NULL, IoStatusBlock,
                                      IRP_MJ_FLUSH_BUFFERS);

    return NT_SUCCESS(Status) ? IopSynchronousRequest(&Request, IoStatusBlock) : Status;
}

NTEXPORT(ZwFlushBuffersFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    ZW(NtFlushBuffersFile(FileHandle, IoStatusBlock));
}

/* Cancels the calling thread's requests on a file, without waiting for them. */
NTSTATUS NTAPI NtCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    PETHREAD Thread = (PETHREAD)KiCurrentThread();
    BOOLEAN Again = TRUE;
    PVOID File;
    NTSTATUS Status = ObReferenceObjectByHandle(FileHandle, 0, ObpFileType,
                                                Thread->Tcb.PreviousMode, &File, NULL);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    /* A cancel routine may complete the IRP, which takes it off the list: start again after each.
     */
    while (Again)
    {
        Again = FALSE;
        for (PLIST_ENTRY Entry = Thread->IrpList.Flink; Entry != &Thread->IrpList;
             Entry = Entry->Flink)
        {
            PIRP Irp = CONTAINING_RECORD(Entry, IRP, ThreadListEntry);
            if (!Irp->Cancel && Irp->Tail.Overlay.OriginalFileObject == File)
            {
                IoCancelIrp(Irp);
                Again = TRUE;
                break;
            }
        }
    }
    IoStatusBlock->Status = STATUS_SUCCESS;
    IoStatusBlock->Information = 0;
    ObfDereferenceObject(File);
    return STATUS_SUCCESS;
}

NTSYSAPI NTSTATUS NTAPI ZwCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);
NTEXPORT(ZwCancelIoFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    ZW(NtCancelIoFile(FileHandle, IoStatusBlock));
}
