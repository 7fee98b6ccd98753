/*
 * The end of a thread. Checked on the way (bugchecks.md section 1): an owned KMUTEX (0x4000008A), a non-zero
 * APC disable count, a raised IRQL or a kernel APC that cannot be delivered any more (0x20). Pending
 * IRPs are cancelled and waited for, user APCs get their rundown routine, and only then is the thread object signaled: by that
 * time the thread has left every driver.
 */
#include "guest/include/iop.h"
#include "guest/include/obp.h"
#include "guest/include/psp.h"
#include "guest/include/vf.h"

static DECLSPEC_NORETURN VOID PspApcStateBugCheck(PKTHREAD Thread, KIRQL Irql)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[KernelMode];
    PKAPC Apc = IsListEmpty(Head) ? NULL : CONTAINING_RECORD(Head->Flink, KAPC, ApcListEntry);

    VfNoteApcDisable(Thread, FALSE);
    KeBugCheckEx(RDBC_KERNEL_APC_PENDING_DURING_EXIT, RD_ADDRESS(Apc), Thread->CombinedApcDisable,
        Irql, 1);
}

static VOID PspCheckThreadExit(PKTHREAD Thread, KIRQL Irql)
{
    PLIST_ENTRY Entry;

    for (Entry = Thread->MutantListHead.Flink; Entry != &Thread->MutantListHead;
         Entry = Entry->Flink)
    {
        PKMUTANT Mutant = CONTAINING_RECORD(Entry, KMUTANT, MutantListEntry);
        if (Mutant->ApcDisable)
        {
            KeBugCheckEx(
                RDBC_THREAD_TERMINATE_HELD_MUTEX, RD_ADDRESS(Thread), RD_ADDRESS(Mutant), 0, 0);
        }
    }
    if (Thread->ApcStateIndex != OriginalApcEnvironment)
    {
        KeBugCheckEx(RDBC_INVALID_PROCESS_ATTACH_ATTEMPT, RD_ADDRESS(Thread->Process),
            RD_ADDRESS(Thread->ApcState.Process), Thread->ApcStateIndex, 0);
    }
    if (Thread->CombinedApcDisable != 0 || Irql != PASSIVE_LEVEL)
    {
        PspApcStateBugCheck(Thread, Irql);
    }
}

/* The System process is never left by its last thread, and nobody else asks how many there are. */
static NOLOG BOOLEAN PspIsLastThread(PEPROCESS Process)
{
    ULONG Left = --Process->Pcb.StackCount;

    if (Process == PsInitialSystemProcess)
    {
        RdTouchCount(&Process->Pcb.StackCount, sizeof Process->Pcb.StackCount);
        return FALSE;
    }
    RdTouch(&Process->Pcb.StackCount, sizeof Process->Pcb.StackCount, TRUE);
    return Left == 0;
}

/* The process's last thread takes its handles along. */
static VOID PspLeaveProcess(PEPROCESS Process)
{
    KIRQL OldIrql;

    if (!PspIsLastThread(Process))
    {
        return;
    }
    Process->Exiting = TRUE;
    PspCallProcessNotifyRoutines(Process, FALSE);
    ObKillProcess(Process);
    OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    Process->Pcb.Header.SignalState = 1;
    KiWaitTest(&Process->Pcb.Header, 0);
    __writecr8(OldIrql);
}

DECLSPEC_NORETURN __attribute__((noinline)) VOID PspExitThread(NTSTATUS ExitStatus)
{
    PETHREAD Thread = (PETHREAD)KiCurrentThread();
    PKTHREAD Tcb = &Thread->Tcb;
    PEPROCESS Process = Thread->ThreadsProcess;

    PspCheckThreadExit(Tcb, KeGetCurrentIrql());
    Tcb->Terminating = TRUE;
    KeForceResumeThread(Tcb); /* on the way out nothing suspends it any more */
    Thread->ExitStatus = ExitStatus;
    PspCallThreadNotifyRoutines(Thread, FALSE);
    IopCancelThreadIrps(Thread);
    PspLeaveProcess(Process);
    KiAbandonMutexes(Tcb);

    /* Whatever can still be delivered is; from then on nothing is accepted. */
    KiApcsEnabledAgain(Tcb);
    PspCheckThreadExit(Tcb, KeGetCurrentIrql());
    KiRaiseIrql(APC_LEVEL);
    KiDeliverApc(KernelMode);
    Tcb->ApcQueueable = FALSE;
    KeRundownApcQueues(Tcb);
    if (!IsListEmpty(&Tcb->ApcState.ApcListHead[KernelMode]) || Tcb->CombinedApcDisable != 0)
    {
        PspApcStateBugCheck(Tcb, KeGetCurrentIrql());
    }
    RdPassedFrame(Thread->StartContext, &Thread->StartContext);
    RdEvent(RD_EVENT_THREAD_EXIT, RD_ADDRESS(Thread), (ULONG)ExitStatus, 0);
    KeTerminateThread();
}

NTEXPORT(PsTerminateSystemThread, PASSIVE_LEVEL, "thread");
NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    PETHREAD Thread = (PETHREAD)KiCurrentThread();

    if (!Thread->Tcb.SystemThread)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Thread->ActiveExWorker)
    {
        KeBugCheckEx(RDBC_ACTIVE_EX_WORKER_THREAD_TERMINATION, RD_ADDRESS(Thread), 0, 0, 0);
    }
    PspExitThread(ExitStatus);
}

/* Termination from outside: a normal kernel APC, so regions hold it back, that marks the thread. */

static VOID NTAPI PspTerminateKernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine,
    PVOID *NormalContext, PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    PKTHREAD Thread = KiCurrentThread();

    Thread->TerminateArrived = TRUE;
    *NormalRoutine = NULL;
}

static VOID NTAPI PspTerminateNormalRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
}

NTSTATUS PsTerminateThread(PETHREAD Thread, NTSTATUS ExitStatus)
{
    PKTHREAD Tcb = &Thread->Tcb;

    if (Tcb->SystemThread)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (!Tcb->ApcQueueable || Tcb->Terminating)
    {
        return STATUS_THREAD_IS_TERMINATING;
    }
    if (!Tcb->TerminateRequested)
    {
        Tcb->TerminateRequested = TRUE;
        Thread->ExitStatus = ExitStatus;
        KeInitializeApc(&Tcb->TerminateApc, Tcb, OriginalApcEnvironment, PspTerminateKernelRoutine,
            NULL, PspTerminateNormalRoutine, KernelMode, NULL);
        KeInsertQueueApc(&Tcb->TerminateApc, NULL, NULL, 2);
        KeForceResumeThread(Tcb);
    }
    return STATUS_SUCCESS;
}

NTSTATUS PsSuspendThread(PETHREAD Thread, PULONG PreviousCount)
{
    ULONG Previous;
    NTSTATUS Status = KeSuspendThread(&Thread->Tcb, &Previous);

    if (PreviousCount != NULL)
    {
        *PreviousCount = Previous;
    }
    return Status;
}

NTSTATUS PsResumeThread(PETHREAD Thread, PULONG PreviousCount)
{
    ULONG Previous = KeResumeThread(&Thread->Tcb);

    if (PreviousCount != NULL)
    {
        *PreviousCount = Previous;
    }
    return STATUS_SUCCESS;
}

VOID RdMarkScenarioDone(PETHREAD Thread)
{
    Thread->ScenarioDone = TRUE;
    Thread->Tcb.Rd.flags |= RD_THREAD_SYSTEM;
}

NTEXPORT(PsIsThreadTerminating, ANY_LEVEL, "");
BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD Thread)
{
    return Thread->Tcb.Terminating || Thread->Tcb.Rd.state == RD_THREAD_TERMINATED;
}

NTEXPORT(PsGetThreadExitStatus, ANY_LEVEL, "");
NTSTATUS NTAPI PsGetThreadExitStatus(PETHREAD Thread)
{
    return Thread->Tcb.Rd.state == RD_THREAD_TERMINATED ? Thread->ExitStatus : STATUS_PENDING;
}
