/* What KiInterruptEntry calls: APC, dispatch and clock interrupts, by the IRQL they came in on. */
#include "guest/include/vf.h"

VOID KiInterruptDispatch(struct rd_interrupt_frame *Frame)
{
    PKPRCB Prcb = KiCurrentPrcb();

    switch (Frame->vector)
    {
    case APC_LEVEL:
        KiDeliverApc(KernelMode);
        break;
    case DISPATCH_LEVEL:
        KiRetireDpcList(Prcb);
        KiDispatchPreempt();
        break;
    case CLOCK_VECTOR:
        KiUpdateSharedTime();
        KiTimerExpiration();
        if (!IsListEmpty(&Prcb->DpcListHead))
        {
            /* Others may see the DPC queued and not yet running. */
            RdSchedule();
        }
        break;
    default:
        RD_KASSERT(Frame->vector == APC_LEVEL);
    }
}

/* Where the machine enters the kernel: it looks these two names up in the export table. */
NTEXPORTDATA(RdEntryPoints);
NTEXPORT(KiSwapContextResume, ANY_LEVEL, "");
struct rd_entry_points RdEntryPoints = {
    .start_cpu = (ULONG_PTR)KiStartProcessor,
    .interrupt = (ULONG_PTR)KiInterruptEntry,
    .fault = (ULONG_PTR)KiFaultVectors,
    .irp_log = (ULONG_PTR)&VfIrpLog,
};
