/*
 * The system-call boundary of scenario threads. On the way out: IRQL and APC state must be as a user-mode
 * caller expects them, user APCs that a wait asked for are delivered, and a thread that somebody terminated ends.
 */
#include "guest/include/psp.h"
#include "guest/include/vf.h"

VOID KiEnterMode(PKI_MODE Mode, KPROCESSOR_MODE PreviousMode)
{
    PKTHREAD Thread = KiCurrentThread();

    Mode->Outer = Thread->Mode;
    Mode->Previous = Thread->PreviousMode;
    Thread->Mode = Mode;
    Thread->PreviousMode = PreviousMode;
}

VOID KiLeaveMode(PKI_MODE Mode)
{
    PKTHREAD Thread = KiCurrentThread();

    Thread->Mode = Mode->Outer;
    Thread->PreviousMode = Mode->Previous;
}

VOID KiUnwindModes(ULONG64 EstablisherFrame)
{
    PKI_MODE Mode = KiCurrentThread()->Mode;

    while (Mode != NULL && RD_ADDRESS(Mode) < EstablisherFrame)
    {
        KiLeaveMode(Mode);
        Mode = Mode->Outer;
    }
}

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
