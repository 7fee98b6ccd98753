/*
 * The system-call boundary of scenario threads. On the way out: IRQL and APC state must be as a user-mode
 * caller expects them, user APCs that a wait asked for are delivered, and a thread that somebody terminated ends.
 */
#include "guest/include/psp.h"
#include "guest/include/vf.h"

VOID KiSystemServiceEnter(PVOID ServiceRoutine)
{
    PKTHREAD Thread = KiCurrentThread();

    RD_KASSERT(KeGetCurrentIrql() == PASSIVE_LEVEL);
    if (Thread->TerminateArrived)
    {
        PspExitThread(((PETHREAD)Thread)->ExitStatus);
    }
}

__attribute__((noinline)) VOID KiSystemServiceExit(PVOID ServiceRoutine)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL Irql = KeGetCurrentIrql();

    if (Irql != PASSIVE_LEVEL)
    {
        KeBugCheckEx(
            RDBC_IRQL_GT_ZERO_AT_SYSTEM_SERVICE, RD_ADDRESS(ServiceRoutine), Irql, 0, 0);
    }
    if (Thread->CombinedApcDisable != 0 || Thread->ApcStateIndex != OriginalApcEnvironment)
    {
        VfNoteApcDisable(Thread, FALSE);
        KeBugCheckEx(RDBC_APC_INDEX_MISMATCH, RD_ADDRESS(ServiceRoutine), Thread->ApcStateIndex,
            Thread->CombinedApcDisable, 0);
    }
    while (Thread->ApcState.UserApcPending && !Thread->TerminateArrived)
    {
        __writecr8(APC_LEVEL);
        KiDeliverApc(UserMode);
        __writecr8(PASSIVE_LEVEL);
    }
    if (Thread->TerminateArrived)
    {
        PspExitThread(((PETHREAD)Thread)->ExitStatus);
    }
}
