/*
 * IRPs that drivers have the I/O manager build for them. The first two are threaded: queued to the
 * calling thread, finished by its special kernel APC and freed by the I/O manager. The asynchronous
 * one is not: it names the thread without holding it, and its creator's completion routine frees
 * it.
 */
#include "guest/include/iop.h"

#define IOP_BUFFER_TAG 0x66754249 /* 'IBuf' */

static VOID IopFreeUnsent(PIRP Irp)
{
    if (Irp->MdlAddress != NULL)
    {
        IoFreeMdl(Irp->MdlAddress);
    }
    if (Irp->AssociatedIrp.SystemBuffer != NULL)
    {
        ExFreePoolWithTag(Irp->AssociatedIrp.SystemBuffer, IOP_BUFFER_TAG);
    }
    IoFreeIrp(Irp);
}

/* Where stage 2 will write, long after this call: mostly locals of the caller. */
static inline VOID IopHoldCaller(PIRP Irp)
{
    RdHoldFrame(Irp->UserEvent, &Irp->UserEvent, RD_HOLD_IRP_EVENT);
    RdHoldFrame(Irp->UserIosb, &Irp->UserIosb, RD_HOLD_IRP_STATUS);
    if (Irp->Flags & IRP_INPUT_OPERATION)
    {
        RdHoldFrame(Irp->UserBuffer, &Irp->UserBuffer, RD_HOLD_IRP_BUFFER);
    }
    else if (Irp->MdlAddress != NULL)
    {
        RdHoldFrame(MmGetMdlVirtualAddress(Irp->MdlAddress), &Irp->MdlAddress, RD_HOLD_IRP_BUFFER);
    }
}

static BOOLEAN IopSystemBuffer(PIRP Irp, PVOID Input, ULONG InputLength, ULONG Size)
{
    Irp->Flags |= IRP_BUFFERED_IO;
    if (Size == 0)
    {
        return TRUE;
    }
    Irp->AssociatedIrp.SystemBuffer = ExAllocatePoolWithTag(NonPagedPool, Size, IOP_BUFFER_TAG);
    if (Irp->AssociatedIrp.SystemBuffer == NULL)
    {
        return FALSE;
    }
    Irp->Flags |= IRP_DEALLOCATE_BUFFER;
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Input, InputLength);
    return TRUE;
}

static BOOLEAN IopLockedMdl(PIRP Irp, PVOID Buffer, ULONG Length, LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, Irp);

    if (Mdl == NULL)
    {
        return FALSE;
    }
    MmProbeAndLockPages(Mdl, KernelMode, Operation);
    return TRUE;
}

NTEXPORT(IoBuildDeviceIoControlRequest, APC_LEVEL, "irp thread");
PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                         PVOID InputBuffer, ULONG InputBufferLength,
                                         PVOID OutputBuffer, ULONG OutputBufferLength,
                                         BOOLEAN InternalDeviceIoControl, PKEVENT Event,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    ULONG Method = METHOD_FROM_CTL_CODE(IoControlCode);
    PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    PIO_STACK_LOCATION Stack;
    BOOLEAN Good = TRUE;

    if (Irp == NULL)
    {
        return NULL;
    }
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction =
        InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    Stack->Parameters.DeviceIoControl.OutputBufferLength = OutputBufferLength;
    Stack->Parameters.DeviceIoControl.InputBufferLength = InputBufferLength;
    Stack->Parameters.DeviceIoControl.IoControlCode = IoControlCode;
    Irp->UserBuffer = OutputBuffer;
    if (Method == METHOD_BUFFERED)
    {
        ULONG Size =
            InputBufferLength > OutputBufferLength ? InputBufferLength : OutputBufferLength;
        Good = IopSystemBuffer(Irp, InputBuffer, InputBufferLength, Size);
        if (OutputBuffer != NULL)
        {
            Irp->Flags |= IRP_INPUT_OPERATION;
        }
    }
    else if (Method == METHOD_NEITHER)
    {
        Stack->Parameters.DeviceIoControl.Type3InputBuffer = InputBuffer;
    }
    else
    {
        Good = IopSystemBuffer(Irp, InputBuffer, InputBufferLength,
                               InputBuffer != NULL ? InputBufferLength : 0);
        if (Good && OutputBuffer != NULL && OutputBufferLength != 0)
        {
            Good = IopLockedMdl(Irp, OutputBuffer, OutputBufferLength,
                                Method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
        }
    }
    if (!Good)
    {
        IopFreeUnsent(Irp);
        return NULL;
    }
    Irp->UserIosb = IoStatusBlock;
    Irp->UserEvent = Event;
    Irp->RequestorMode = KernelMode;
    Irp->Tail.Overlay.Thread = (PETHREAD)KiCurrentThread();
    IopHoldCaller(Irp);
    IopQueueThreadIrp(Irp);
    return Irp;
}

NTEXPORT(IoBuildAsynchronousFsdRequest, DISPATCH_LEVEL, "irp");
PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                         PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    BOOLEAN Write = MajorFunction == IRP_MJ_WRITE, Good = TRUE;
    PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    PIO_STACK_LOCATION Stack;

    if (Irp == NULL)
    {
        return NULL;
    }
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = (UCHAR)MajorFunction;
    Irp->UserBuffer = Buffer;
    Irp->UserIosb = IoStatusBlock;
    Irp->RequestorMode = KernelMode;
    Irp->Tail.Overlay.Thread = (PETHREAD)KiCurrentThread();
    if (MajorFunction == IRP_MJ_READ || Write)
    {
        Irp->Flags |= Write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
        Stack->Parameters.Read.Length = Length;
        if (StartingOffset != NULL)
        {
            Stack->Parameters.Read.ByteOffset = *StartingOffset;
        }
        if (DeviceObject->Flags & DO_BUFFERED_IO)
        {
            Good = IopSystemBuffer(Irp, Buffer, Write ? Length : 0, Length);
            if (!Write)
            {
                Irp->Flags |= IRP_INPUT_OPERATION;
            }
        }
        else if ((DeviceObject->Flags & DO_DIRECT_IO) && Length != 0)
        {
            Good = IopLockedMdl(Irp, Buffer, Length, Write ? IoReadAccess : IoWriteAccess);
        }
    }
    if (!Good)
    {
        IopFreeUnsent(Irp);
        return NULL;
    }
    IopHoldCaller(Irp);
    return Irp;
}

NTEXPORT(IoBuildSynchronousFsdRequest, APC_LEVEL, "irp thread");
PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                        PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                        PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP Irp = IoBuildAsynchronousFsdRequest(MajorFunction, DeviceObject, Buffer, Length,
                                             StartingOffset, IoStatusBlock);

    if (Irp != NULL)
    {
        Irp->UserEvent = Event;
        RdHoldFrame(Event, &Irp->UserEvent, RD_HOLD_IRP_EVENT);
        IopQueueThreadIrp(Irp);
    }
    return Irp;
}

/* Sends the IRP on with a completion routine that stops it, and waits. */
static NTSTATUS NTAPI IopForwardCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Event)
{
    if (Irp->PendingReturned)
    {
        KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTEXPORT(IoForwardIrpSynchronously, PASSIVE_LEVEL, "irp device");
BOOLEAN NTAPI IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KEVENT Event;

    if (Irp->CurrentLocation <= 1)
    {
        return FALSE;
    }
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, IopForwardCompletion, &Event, TRUE, TRUE, TRUE);
    if (IofCallDriver(DeviceObject, Irp) == STATUS_PENDING)
    {
        KeWaitForSingleObject(&Event, Suspended, KernelMode, FALSE, NULL);
    }
    return TRUE;
}

/* The older name; a macro in today's headers. */
#undef IoForwardAndCatchIrp
NTSYSAPI BOOLEAN NTAPI IoForwardAndCatchIrp(PDEVICE_OBJECT DeviceObject, PIRP Irp);
NTEXPORT(IoForwardAndCatchIrp, PASSIVE_LEVEL, "irp device");
BOOLEAN NTAPI IoForwardAndCatchIrp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IoForwardIrpSynchronously(DeviceObject, Irp);
}
