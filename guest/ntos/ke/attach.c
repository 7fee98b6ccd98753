/*
 * Attaching to another process. There is one address space for all, so what changes is which process the
 * thread counts as belonging to, and which of its two APC states is current: APCs of the other one wait.
 */
#include "guest/include/ki.h"

/* KAPC_STATE.Process in a state that KeStackAttachProcess saved nothing into. */
#define KI_NOT_ATTACHED ((PKPROCESS)1)

VOID KiInitializeProcess(PKPROCESS Process)
{
    Process->Header.Type = KI_PROCESS;
    Process->Header.Size = sizeof(KPROCESS) / sizeof(LONG);
    InitializeListHead(&Process->Header.WaitListHead);
    InitializeListHead(&Process->ThreadListHead);
}

static VOID KiMoveApcState(PKAPC_STATE From, PKAPC_STATE To)
{
    ULONG Mode;

    *To = *From;
    for (Mode = 0; Mode < MaximumMode; Mode++)
    {
        PLIST_ENTRY Head = &To->ApcListHead[Mode];
        if (IsListEmpty(&From->ApcListHead[Mode]))
        {
            InitializeListHead(Head);
        }
        else
        {
            Head->Flink->Blink = Head;
            Head->Blink->Flink = Head;
        }
    }
}

static VOID KiEmptyApcState(PKAPC_STATE State, PKPROCESS Process)
{
    InitializeListHead(&State->ApcListHead[KernelMode]);
    InitializeListHead(&State->ApcListHead[UserMode]);
    State->Process = Process;
    State->KernelApcInProgress = FALSE;
    State->KernelApcPending = FALSE;
    State->UserApcPending = FALSE;
}

NTEXPORT(KeStackAttachProcess, APC_LEVEL, "process thread");
VOID NTAPI KeStackAttachProcess(PKPROCESS Process, PRKAPC_STATE ApcState)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    if (KiCurrentPrcb()->DpcRoutineActive)
    {
        KeBugCheckEx(RDBC_INVALID_PROCESS_ATTACH_ATTEMPT, RD_ADDRESS(Process),
            RD_ADDRESS(Thread->ApcState.Process), Thread->ApcStateIndex, TRUE);
    }
    if (Thread->ApcState.Process == Process)
    {
        ApcState->Process = KI_NOT_ATTACHED;
    }
    else if (Thread->ApcStateIndex != OriginalApcEnvironment)
    {
        KiMoveApcState(&Thread->ApcState, ApcState);
        KiEmptyApcState(&Thread->ApcState, Process);
    }
    else
    {
        KiMoveApcState(&Thread->ApcState, &Thread->SavedApcState);
        KiEmptyApcState(&Thread->ApcState, Process);
        ApcState->Process = NULL;
        Thread->ApcStateIndex = AttachedApcEnvironment;
    }
    __writecr8(OldIrql);
}

NTEXPORT(KeUnstackDetachProcess, APC_LEVEL, "process thread");
VOID NTAPI KeUnstackDetachProcess(PRKAPC_STATE ApcState)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    if (ApcState->Process == KI_NOT_ATTACHED)
    {
        __writecr8(OldIrql);
        return;
    }
    if (Thread->ApcStateIndex == OriginalApcEnvironment || Thread->ApcState.KernelApcInProgress
        || !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])
        || !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode]))
    {
        KeBugCheck(RDBC_INVALID_PROCESS_DETACH_ATTEMPT);
    }
    if (ApcState->Process != NULL)
    {
        KiMoveApcState(ApcState, &Thread->ApcState);
    }
    else
    {
        KiMoveApcState(&Thread->SavedApcState, &Thread->ApcState);
        KiEmptyApcState(&Thread->SavedApcState, NULL);
        Thread->ApcStateIndex = OriginalApcEnvironment;
    }
    if (!IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode]))
    {
        Thread->ApcState.KernelApcPending = TRUE;
        RdSendInterrupt(KiCurrentPrcb()->Number, APC_LEVEL);
    }
    __writecr8(OldIrql);
}

NTEXPORT(KeAttachProcess, APC_LEVEL, "process thread");
VOID NTAPI KeAttachProcess(PKPROCESS Process)
{
    PKTHREAD Thread = KiCurrentThread();
    KAPC_STATE Unused;

    if (Thread->ApcState.Process == Process)
    {
        return;
    }
    if (Thread->ApcStateIndex != OriginalApcEnvironment)
    {
        KeBugCheckEx(RDBC_INVALID_PROCESS_ATTACH_ATTEMPT, RD_ADDRESS(Process),
            RD_ADDRESS(Thread->ApcState.Process), Thread->ApcStateIndex,
            KiCurrentPrcb()->DpcRoutineActive);
    }
    KeStackAttachProcess(Process, &Unused);
}

NTEXPORT(KeDetachProcess, APC_LEVEL, "process thread");
VOID NTAPI KeDetachProcess(VOID)
{
    KAPC_STATE Original;

    if (KiCurrentThread()->ApcStateIndex == OriginalApcEnvironment)
    {
        return;
    }
    Original.Process = NULL;
    KeUnstackDetachProcess(&Original);
}

NTEXPORT(KeIsAttachedProcess, ANY_LEVEL, "");
BOOLEAN NTAPI KeIsAttachedProcess(VOID)
{
    return KiCurrentThread()->ApcStateIndex != OriginalApcEnvironment;
}
