/*
 * Cancellation: the cancel spin lock, IoCancelIrp, and what a thread does with its pending requests
 * when it exits.
 */
#include "guest/include/iop.h"

#define DRIVER_RETURNED_HOLDING_CANCEL_LOCK_CODE 0x11B

static KSPIN_LOCK IopCancelSpinLock;
static PKTHREAD IopCancelLockOwner;

NTEXPORT(IoAcquireCancelSpinLock, DISPATCH_LEVEL, "cancel lock");
VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql)
{
    KeAcquireSpinLock(&IopCancelSpinLock, Irql);
    IopCancelLockOwner = KiCurrentThread();
}

NTEXPORT(IoReleaseCancelSpinLock, DISPATCH_LEVEL, "cancel lock");
VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql)
{
    IopCancelLockOwner = NULL;
    KeReleaseSpinLock(&IopCancelSpinLock, Irql);
}

NTEXPORT(IoCancelIrp, DISPATCH_LEVEL, "irp cancel lock");
BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
    PDRIVER_CANCEL Routine;
    KIRQL Irql, EntryIrql = KeGetCurrentIrql();

    IoAcquireCancelSpinLock(&Irql);
    Irp->Cancel = TRUE;
    Routine = IoSetCancelRoutine(Irp, NULL);
    if (Routine == NULL)
    {
        IoReleaseCancelSpinLock(Irql);
        return FALSE;
    }
    if (Irp->CurrentLocation > Irp->StackCount + 1)
    {
        KeBugCheckEx(CANCEL_STATE_IN_COMPLETED_IRP, (ULONG_PTR)Irp, (ULONG_PTR)Routine, 0, 0);
    }
    Irp->CancelIrql = Irql;
    Routine(IoGetCurrentIrpStackLocation(Irp)->DeviceObject, Irp);
    if (IopCancelLockOwner == KiCurrentThread() || KeGetCurrentIrql() != EntryIrql)
    {
        KeBugCheckEx(DRIVER_RETURNED_HOLDING_CANCEL_LOCK_CODE, (ULONG_PTR)Irp, (ULONG_PTR)Routine,
                     0, 0);
    }
    return TRUE;
}

/* Part of thread exit, in the thread itself. Stage 2 of each request runs here, as an APC, and
 * takes it off the list. A request that its driver never completes keeps the thread here: that is
 * the hang that the report shows. */
VOID IopCancelThreadIrps(PETHREAD Thread)
{
    KEVENT Empty;
    BOOLEAN Again = TRUE;

    while (Again)
    {
        Again = FALSE;
        for (PLIST_ENTRY Entry = Thread->IrpList.Flink; Entry != &Thread->IrpList;
             Entry = Entry->Flink)
        {
            PIRP Irp = CONTAINING_RECORD(Entry, IRP, ThreadListEntry);
            if (!Irp->Cancel)
            {
                /* Its routine may complete it, which takes it off the list: start again. */
                IoCancelIrp(Irp);
                Again = TRUE;
                break;
            }
        }
    }
    if (!IsListEmpty(&Thread->IrpList))
    {
        KeInitializeEvent(&Empty, NotificationEvent, FALSE);
        Thread->IoReserved[IOP_THREAD_EMPTY_EVENT] = &Empty;
        KeWaitForSingleObject(&Empty, Executive, KernelMode, FALSE, NULL);
        Thread->IoReserved[IOP_THREAD_EMPTY_EVENT] = NULL;
    }
}
