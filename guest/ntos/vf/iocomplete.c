/*
 * I/O verification of completion: of the request that a verified driver completes, and of each completion routine that
 * lies in a verified driver.
 */
#include "guest/include/vf.h"

/* Does the address lie on a stack whose thread has returned past it? For the running thread that is below the frame of the
 * driver that completes (Frame); a running thread of another processor is not known. */
static BOOLEAN VfIsUnwound(PETHREAD Thread, const VOID *Address, const VOID *Frame)
{
    PKTHREAD Tcb = &Thread->Tcb;

    if (Thread == NULL || (ULONG_PTR)Address < RD_ADDRESS(Tcb->StackLimit) ||
        (ULONG_PTR)Address >= RD_ADDRESS(Tcb->InitialStack))
    {
        return FALSE;
    }
    if (Tcb == KiCurrentThread())
    {
        return Address < Frame;
    }
    return Tcb->Rd.state == RD_THREAD_WAITING && RD_ADDRESS(Address) < Tcb->Rd.saved_rsp;
}

static BOOLEAN VfInformationTooLarge(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    return Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL && NT_SUCCESS(Irp->IoStatus.Status) &&
           METHOD_FROM_CTL_CODE(Stack->Parameters.DeviceIoControl.IoControlCode) ==
               METHOD_BUFFERED &&
           Irp->IoStatus.Information > Stack->Parameters.DeviceIoControl.OutputBufferLength;
}

static VOID VfCheckCompletion(PIRP Irp, ULONG_PTR Caller, const VOID *Frame)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount + 1)
    {
        return; /* IofCompleteRequest knows that one */
    }
    if (Irql > DISPATCH_LEVEL)
    {
        VerifierIoBugCheck(0x0E, Irql, RD_ADDRESS(Irp), 0);
    }
    if (Irp->IoStatus.Status == STATUS_PENDING || Irp->IoStatus.Status == (NTSTATUS)0xFFFFFFFF)
    {
        VerifierIoBugCheck(0x06, (ULONG)Irp->IoStatus.Status, RD_ADDRESS(Irp), 0);
    }
    if (Irp->CancelRoutine != NULL)
    {
        VerifierIoBugCheck(0x23C, Caller, RD_ADDRESS(Irp), RD_ADDRESS(Irp->CancelRoutine));
    }
    if (VfIsUnwound(Irp->Tail.Overlay.Thread, Irp->UserIosb, Frame))
    {
        VerifierIoBugCheck(0x0C, RD_ADDRESS(Irp->UserIosb), 0, 0);
    }
    if (VfIsUnwound(Irp->Tail.Overlay.Thread, Irp->UserEvent, Frame))
    {
        VerifierIoBugCheck(0x0D, RD_ADDRESS(Irp->UserEvent), 0, 0);
    }
    /* STATUS_NOT_SUPPORTED is what it began with: a driver that does not handle it answers nothing. */
    if (Irp->CurrentLocation <= Irp->StackCount &&
        IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_PNP &&
        IoGetCurrentIrpStackLocation(Irp)->MinorFunction == IRP_MN_REMOVE_DEVICE &&
        !NT_SUCCESS(Irp->IoStatus.Status) && Irp->IoStatus.Status != STATUS_NOT_SUPPORTED)
    {
        VerifierIoBugCheck(0x306, Caller, RD_ADDRESS(Irp), 0);
    }
    if (Irp->CurrentLocation <= Irp->StackCount &&
        VfInformationTooLarge(Irp, IoGetCurrentIrpStackLocation(Irp)))
    {
        VerifierIoBugCheck(0x312, Caller, RD_ADDRESS(Irp), Irp->IoStatus.Information);
    }
}

VFTHUNKTO(IofCompleteRequest, IovCompleteRequest, VF_OPTION_IO);
VOID FASTCALL IovCompleteRequest(PIRP Irp, CCHAR PriorityBoost);
__attribute__((noinline)) VOID FASTCALL IovCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    VfCheckCompletion(
        Irp, RD_ADDRESS(__builtin_return_address(0)), __builtin_dwarf_cfa());
    IofCompleteRequest(Irp, PriorityBoost);
}

/* IofCompleteRequest calls routines of verified drivers through here. */
__attribute__((noinline)) NTSTATUS IovpLocalCompletionRoutine(
    PIO_COMPLETION_ROUTINE Routine, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PKTHREAD Thread = KiCurrentThread();
    ULONG ApcDisable = Thread->CombinedApcDisable;
    KIRQL Irql = KeGetCurrentIrql();
    BOOLEAN Pending = Irp->PendingReturned && DeviceObject != NULL;
    NTSTATUS Status = Routine(DeviceObject, Irp, Context);

    if (KeGetCurrentIrql() != Irql)
    {
        VerifierBugCheck(0xFA, RD_ADDRESS(Routine), Irql, KeGetCurrentIrql());
    }
    if (Thread->CombinedApcDisable != ApcDisable)
    {
        VfNoteApcDisable(Thread, TRUE);
        VerifierBugCheck(0xFB, RD_ADDRESS(Routine), Thread->CombinedApcDisable, ApcDisable);
    }
    /* The IRP is the routine's to keep or free only when it says so. */
    if (Pending && Status != STATUS_MORE_PROCESSING_REQUIRED &&
        !(IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED))
    {
        VerifierIoBugCheck(0x228, RD_ADDRESS(Routine), RD_ADDRESS(Irp), 0);
    }
    return Status;
}
