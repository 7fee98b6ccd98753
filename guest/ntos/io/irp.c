/*
 * IRPs: allocation, initialisation, and the call into the next driver. An IRP is threaded when it
 * stands in its thread's list (ETHREAD.IrpList): such IRPs are cancelled and waited for when the
 * thread exits.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"
#include "guest/include/vf.h"

static VOID IopInitializeIrp(PIRP Irp, USHORT Size, CCHAR StackSize)
{
    RtlZeroMemory(Irp, Size);
    Irp->Type = IO_TYPE_IRP;
    Irp->Size = Size;
    Irp->StackCount = StackSize;
    Irp->CurrentLocation = StackSize + 1;
    Irp->ApcEnvironment = (CCHAR)KiCurrentThread()->ApcStateIndex;
    InitializeListHead(&Irp->ThreadListEntry);
    Irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(Irp + 1) + StackSize;
}

NTEXPORT(IoInitializeIrp, DISPATCH_LEVEL, "");
VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    RdForgetFrames(Irp, PacketSize);
    IopInitializeIrp(Irp, PacketSize, StackSize);
}

NTEXPORT(IoAllocateIrp, DISPATCH_LEVEL, "pool");
PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    USHORT Size = IoSizeOfIrp(StackSize);
    PIRP Irp = ExAllocatePoolWithTag(NonPagedPool, Size, IOP_IRP_TAG);

    if (Irp != NULL)
    {
        IopInitializeIrp(Irp, Size, StackSize);
        Irp->AllocationFlags = ChargeQuota ? IRP_QUOTA_CHARGED : 0;
    }
    return Irp;
}

/* For requests that may not fail: cleanup and close. */
PIRP IopAllocateIrpMustSucceed(CCHAR StackSize)
{
    USHORT Size = IoSizeOfIrp(StackSize);
    PIRP Irp = ExpAllocateKernelPool(Size, IOP_IRP_TAG);

    IopInitializeIrp(Irp, Size, StackSize);
    return Irp;
}

NTEXPORT(IoFreeIrp, DISPATCH_LEVEL, "irp pool");
VOID NTAPI IoFreeIrp(PIRP Irp)
{
    Irp->Type = 0;
    ExFreePoolWithTag(Irp, IOP_IRP_TAG);
}

NTEXPORT(IoReuseIrp, DISPATCH_LEVEL, "irp");
VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    UCHAR AllocationFlags = Irp->AllocationFlags;

    RdForgetFrames(Irp, Irp->Size);
    IopInitializeIrp(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = AllocationFlags;
    Irp->IoStatus.Status = Status;
}

NTEXPORT(IoMakeAssociatedIrp, DISPATCH_LEVEL, "irp");
PIRP NTAPI IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize)
{
    PIRP Associated = IoAllocateIrp(StackSize, FALSE);

    if (Associated != NULL)
    {
        Associated->Flags |= IRP_ASSOCIATED_IRP;
        Associated->AssociatedIrp.MasterIrp = Irp;
        Associated->Tail.Overlay.Thread = Irp->Tail.Overlay.Thread;
    }
    return Associated;
}

VOID IopQueueThreadIrp(PIRP Irp)
{
    PETHREAD Thread = Irp->Tail.Overlay.Thread;

    InsertHeadList(&Thread->IrpList, &Irp->ThreadListEntry);
}

/* Stage 2 runs in the IRP's thread. */
VOID IopDequeueThreadIrp(PIRP Irp)
{
    PETHREAD Thread = (PETHREAD)KiCurrentThread();

    RemoveEntryList(&Irp->ThreadListEntry);
    InitializeListHead(&Irp->ThreadListEntry);
    if (Thread->IoReserved[IOP_THREAD_EMPTY_EVENT] != NULL && IsListEmpty(&Thread->IrpList))
    {
        KeSetEvent(Thread->IoReserved[IOP_THREAD_EMPTY_EVENT], IO_NO_INCREMENT, FALSE);
    }
}

NTSYSAPI VOID NTAPI IoQueueThreadIrp(PIRP Irp);
NTEXPORT(IoQueueThreadIrp, APC_LEVEL, "irp thread");
VOID NTAPI IoQueueThreadIrp(PIRP Irp)
{
    IopQueueThreadIrp(Irp);
}

/* The verifier is reached by a jump, as NT does through its pointer: IovCallDriver's caller is IoCallDriver's. */
NTEXPORT(IofCallDriver, DISPATCH_LEVEL, "irp device");
__attribute__((optimize("optimize-sibling-calls"))) NTSTATUS FASTCALL IofCallDriver(
    PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (VfIsCallVerified(DeviceObject))
    {
        return IovCallDriver(DeviceObject, Irp);
    }
    if (VfIsOptionEnabled(VF_OPTION_IO))
    {
        VfNoteForwarded(Irp);
    }
    NTSTATUS Status = IopNextDispatch(DeviceObject, Irp)(DeviceObject, Irp);
    __asm__ volatile("" : "+r"(Status)); /* this frame stays on the stack of the driver that is called */
    return Status;
}

#undef IoCallDriver
NTSYSAPI NTSTATUS NTAPI IoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp);
NTEXPORT(IoCallDriver, DISPATCH_LEVEL, "irp device");
NTSTATUS NTAPI IoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IofCallDriver(DeviceObject, Irp);
}

NTEXPORT(IoGetRequestorProcess, DISPATCH_LEVEL, "irp");
PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp)
{
    PETHREAD Thread = Irp->Tail.Overlay.Thread;

    return Thread != NULL ? CONTAINING_RECORD(Thread->Tcb.Process, EPROCESS, Pcb) : NULL;
}

NTEXPORT(IoGetRequestorProcessId, DISPATCH_LEVEL, "irp");
ULONG NTAPI IoGetRequestorProcessId(PIRP Irp)
{
    RdToldApart();
    PEPROCESS Process = IoGetRequestorProcess(Irp);

    return Process != NULL ? (ULONG)(ULONG_PTR)Process->UniqueProcessId : 0;
}

NTEXPORT(IoIsOperationSynchronous, DISPATCH_LEVEL, "irp");
BOOLEAN NTAPI IoIsOperationSynchronous(PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    return (Irp->Flags & IRP_SYNCHRONOUS_API) != 0 ||
           (File != NULL && (File->Flags & FO_SYNCHRONOUS_IO) != 0);
}

/* Kept in the thread; of interest to file systems only. */
NTEXPORT(IoGetTopLevelIrp, APC_LEVEL, "thread");
PIRP NTAPI IoGetTopLevelIrp(VOID)
{
    return ((PETHREAD)KiCurrentThread())->IoReserved[IOP_THREAD_TOP_LEVEL_IRP];
}

NTEXPORT(IoSetTopLevelIrp, APC_LEVEL, "thread");
VOID NTAPI IoSetTopLevelIrp(PIRP Irp)
{
    ((PETHREAD)KiCurrentThread())->IoReserved[IOP_THREAD_TOP_LEVEL_IRP] = Irp;
}
