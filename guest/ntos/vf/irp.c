/* I/O verification of IRPs as objects: freed, reused and initialised by verified drivers (verifier.md 5a, 5b). */
#include "guest/include/vf.h"

/* Sent, and neither completed nor back: a call with it is in progress, or somebody keeps it pending. */
static BOOLEAN VfIsInUse(PIRP Irp)
{
    return VfIsIrpInCall(Irp) ||
           (Irp->CurrentLocation > 0 && Irp->CurrentLocation <= Irp->StackCount &&
               (IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED));
}

VFTHUNK(IoFreeIrp, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoFreeIrp(PIRP Irp)
{
    ULONG_PTR Caller = RD_ADDRESS(__builtin_return_address(0));

    if (Irp->Type != IO_TYPE_IRP)
    {
        VerifierIoBugCheck(0x01, RD_ADDRESS(Irp), 0, 0);
    }
    if (!IsListEmpty(&Irp->ThreadListEntry))
    {
        VerifierIoBugCheck(0x20C, Caller, RD_ADDRESS(Irp), RD_ADDRESS(Irp->Tail.Overlay.Thread));
    }
    if (VfIsInUse(Irp))
    {
        VerifierIoBugCheck(0x20A, Caller, RD_ADDRESS(Irp), 0);
    }
    IoFreeIrp(Irp);
}

VFTHUNK(IoReuseIrp, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    ULONG_PTR Caller = RD_ADDRESS(__builtin_return_address(0));

    if ((Irp->Flags & IRP_ASSOCIATED_IRP) || !IsListEmpty(&Irp->ThreadListEntry))
    {
        VerifierIoBugCheck(0x311, Caller, RD_ADDRESS(Irp), 0);
    }
    if (VfIsInUse(Irp))
    {
        VerifierIoBugCheck(0x310, Caller, RD_ADDRESS(Irp), 0);
    }
    IoReuseIrp(Irp, Status);
}
