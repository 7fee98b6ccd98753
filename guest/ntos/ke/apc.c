/*
 * Asynchronous procedure calls (nt-semantics section 1). A thread has a queue of kernel APCs, special ones first,
 * and one of user APCs. Kernel APCs are delivered by an APC interrupt, where an IRQL or a region that held them back
 * ends, and by interrupting a wait that began at PASSIVE_LEVEL; user APCs on the way out of a system call,
 * once an alertable wait has asked for them.
 *
 * A KAPC belongs to its owner again the moment its kernel or rundown routine is entered: the routine may
 * free it. So everything needed afterwards is copied first, and the KAPC is not touched again.
 */
#include "guest/include/ki.h"

NTEXPORT(KeInitializeApc, ANY_LEVEL, "apc");
VOID NTAPI KeInitializeApc(PKAPC Apc, PKTHREAD Thread, KAPC_ENVIRONMENT Environment,
    PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
    PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode, PVOID NormalContext)
{
    Apc->Type = KI_APC;
    Apc->Size = sizeof(KAPC);
    Apc->Thread = Thread;
    Apc->ApcStateIndex = Environment == CurrentApcEnvironment ? (CCHAR)Thread->ApcStateIndex
                                                              : (CCHAR)Environment;
    Apc->KernelRoutine = KernelRoutine;
    Apc->RundownRoutine = RundownRoutine;
    Apc->NormalRoutine = NormalRoutine;
    Apc->ApcMode = NormalRoutine != NULL ? ApcMode : KernelMode;
    Apc->NormalContext = NormalRoutine != NULL ? NormalContext : NULL;
    Apc->Inserted = FALSE;
    RdHoldFrame(Apc->NormalContext, &Apc->NormalContext, RD_HOLD_APC_CONTEXT);
}

static PKAPC_STATE KiApcStateFor(PKTHREAD Thread, CCHAR Index)
{
    return Index == (CCHAR)Thread->ApcStateIndex ? &Thread->ApcState : &Thread->SavedApcState;
}

static VOID KiLinkApc(PKAPC_STATE State, PKAPC Apc)
{
    PLIST_ENTRY Head = &State->ApcListHead[(ULONG)Apc->ApcMode];
    PLIST_ENTRY Entry;

    if (Apc->NormalRoutine != NULL)
    {
        InsertTailList(Head, &Apc->ApcListEntry);
        return;
    }
    for (Entry = Head->Flink; Entry != Head; Entry = Entry->Flink)
    {
        RdCheckObject(CONTAINING_RECORD(Entry, KAPC, ApcListEntry), sizeof(KAPC));
        if (CONTAINING_RECORD(Entry, KAPC, ApcListEntry)->NormalRoutine != NULL)
        {
            break;
        }
    }
    /* In front of the first normal one. */
    InsertTailList(Entry, &Apc->ApcListEntry);
}

/* A kernel APC has been linked: the thread must notice. */
static VOID KiRequestApc(PKTHREAD Thread, BOOLEAN Special, KPRIORITY Increment)
{
    Thread->ApcState.KernelApcPending = TRUE;
    if (Thread->Rd.state == RD_THREAD_RUNNING)
    {
        RdSendInterrupt(Thread->Prcb->Number, APC_LEVEL);
    }
    else if (Thread->Rd.state == RD_THREAD_WAITING && Thread->WaitIrql == PASSIVE_LEVEL
        && Thread->SpecialApcDisable == 0
        && (Special || (Thread->KernelApcDisable == 0 && !Thread->ApcState.KernelApcInProgress)))
    {
        KiTryUnwaitThread(Thread, STATUS_KERNEL_APC, Increment);
    }
}

NTEXPORT(KeInsertQueueApc, DISPATCH_LEVEL, "apc thread");
BOOLEAN NTAPI KeInsertQueueApc(
    PKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2, KPRIORITY Increment)
{
    PKTHREAD Thread = Apc->Thread;
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    PKAPC_STATE State;

    if (!Thread->ApcQueueable || Apc->Inserted)
    {
        __writecr8(OldIrql);
        return FALSE;
    }
    Apc->SystemArgument1 = SystemArgument1;
    Apc->SystemArgument2 = SystemArgument2;
    if (Apc->ApcStateIndex == InsertApcEnvironment)
    {
        Apc->ApcStateIndex = (CCHAR)Thread->ApcStateIndex;
    }
    State = KiApcStateFor(Thread, Apc->ApcStateIndex);
    RdEvent(RD_EVENT_APC_QUEUE, RD_ADDRESS(Apc), RD_ADDRESS(Thread), (UCHAR)Apc->ApcMode);
    Apc->Inserted = TRUE;
    RdHoldObject(Apc, RD_HOLD_APC);
    KiLinkApc(State, Apc);
    if (State != &Thread->ApcState)
    {
        /* For the process that the thread has left: KeUnstackDetachProcess brings it back. */
        if (Apc->ApcMode == KernelMode)
        {
            State->KernelApcPending = TRUE;
        }
    }
    else if (Apc->ApcMode == KernelMode)
    {
        KiRequestApc(Thread, Apc->NormalRoutine == NULL, Increment);
    }
    else if (Thread->Rd.state == RD_THREAD_WAITING && Thread->Alertable)
    {
        if (Thread->WaitMode == UserMode)
        {
            State->UserApcPending = TRUE;
        }
        KiTryUnwaitThread(Thread, STATUS_USER_APC, Increment);
    }
    __writecr8(OldIrql);
    return TRUE;
}

/* Not exported by NT either. TRUE: it was queued and is no more. */
BOOLEAN KeRemoveQueueApc(PKAPC Apc)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Inserted = Apc->Inserted;

    if (Inserted)
    {
        RdForgetObject(Apc);
        KiRemoveEntry(&Apc->ApcListEntry);
        Apc->Inserted = FALSE;
    }
    __writecr8(OldIrql);
    return Inserted;
}

/* What a KAPC says, taken before its routines may free it. */
typedef struct _KI_APC_CALL
{
    PKKERNEL_ROUTINE KernelRoutine;
    PKNORMAL_ROUTINE NormalRoutine;
    PVOID NormalContext;
    PVOID SystemArgument1;
    PVOID SystemArgument2;
} KI_APC_CALL;

/* Off the queue and through its kernel routine, at APC_LEVEL. */
static VOID KiCallKernelRoutine(PKAPC Apc, KI_APC_CALL *Call)
{
    PKNORMAL_ROUTINE Original = Apc->NormalRoutine;
    KIRQL Irql;

    RdForgetObject(Apc);
    Call->KernelRoutine = Apc->KernelRoutine;
    Call->NormalRoutine = Apc->NormalRoutine;
    Call->NormalContext = Apc->NormalContext;
    Call->SystemArgument1 = Apc->SystemArgument1;
    Call->SystemArgument2 = Apc->SystemArgument2;
    KiRemoveEntry(&Apc->ApcListEntry);
    Apc->Inserted = FALSE;
    RdEvent(RD_EVENT_APC_DELIVER, RD_ADDRESS(Apc), RD_ADDRESS(Call->KernelRoutine), RD_APC_KERNEL);
    Call->KernelRoutine(Apc, &Call->NormalRoutine, &Call->NormalContext, &Call->SystemArgument1,
        &Call->SystemArgument2);
    Irql = KeGetCurrentIrql();
    if (Irql != APC_LEVEL)
    {
        KeBugCheckEx(RDBC_IRQL_UNEXPECTED_VALUE,
            (ULONG)Irql << 16 | APC_LEVEL << 8 | (Original != NULL), Original != NULL,
            RD_ADDRESS(Apc), RD_ADDRESS(Original));
    }
}

static VOID KiCallNormalRoutine(PKAPC Apc, KI_APC_CALL *Call)
{
    RdEvent(RD_EVENT_APC_DELIVER, RD_ADDRESS(Apc), RD_ADDRESS(Call->NormalRoutine), RD_APC_NORMAL);
    Call->NormalRoutine(Call->NormalContext, Call->SystemArgument1, Call->SystemArgument2);
}

/* One user APC, on the way out of a system call. Its normal routine is user code; the routines of
 * scenario verbs stand in the kernel image and are called, addresses of the user half only count. */
static VOID KiDeliverUserApc(PKTHREAD Thread)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[UserMode];
    PKAPC Apc;
    KI_APC_CALL Call;

    Thread->ApcState.UserApcPending = FALSE;
    if (IsListEmpty(Head))
    {
        return;
    }
    Apc = CONTAINING_RECORD(Head->Flink, KAPC, ApcListEntry);
    RdCheckObject(Apc, sizeof(*Apc));
    KiCallKernelRoutine(Apc, &Call);
    if (Call.NormalRoutine == NULL)
    {
        /* The kernel routine took care of everything: on to the next. */
        Thread->ApcState.UserApcPending = !IsListEmpty(Head);
        return;
    }
    /* Returning from a user APC looks for more of them. */
    Thread->ApcState.UserApcPending = !IsListEmpty(Head);
    if ((LONG64)(ULONG_PTR)Call.NormalRoutine < 0)
    {
        __writecr8(PASSIVE_LEVEL);
        KiCallNormalRoutine(Apc, &Call);
        __writecr8(APC_LEVEL);
    }
}

/* At APC_LEVEL, on the thread that the APCs are for. */
__attribute__((noinline)) VOID KiDeliverApc(KPROCESSOR_MODE DeliveryMode)
{
    PKTHREAD Thread = KiCurrentThread();
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[KernelMode];

    Thread->ApcState.KernelApcPending = FALSE;
    if (Thread->SpecialApcDisable != 0)
    {
        return;
    }
    while (!IsListEmpty(Head))
    {
        PKAPC Apc = CONTAINING_RECORD(Head->Flink, KAPC, ApcListEntry);
        KI_APC_CALL Call;
        PVOID Context;
        BOOLEAN Normal;

        RdCheckObject(Apc, sizeof(*Apc));
        Normal = Apc->NormalRoutine != NULL;
        Context = Apc->NormalContext;
        if (Normal && (Thread->ApcState.KernelApcInProgress || Thread->KernelApcDisable != 0))
        {
            return;
        }
        /* The kernel routine may free the APC: the pointer is passed for both routines here. */
        RdPassFrame(Context, &Apc->NormalContext);
        KiCallKernelRoutine(Apc, &Call);
        if (Normal && Call.NormalRoutine != NULL)
        {
            Thread->ApcState.KernelApcInProgress = TRUE;
            __writecr8(PASSIVE_LEVEL);
            KiCallNormalRoutine(Apc, &Call);
            __writecr8(APC_LEVEL);
            Thread->ApcState.KernelApcInProgress = FALSE;
        }
        RdPassedFrame(Context, &Apc->NormalContext);
    }
    if (DeliveryMode == UserMode && Thread->ApcState.UserApcPending)
    {
        KiDeliverUserApc(Thread);
    }
}

/* Something that held kernel APCs back has ended. */
NTEXPORT(KiCheckForKernelApcDelivery, APC_LEVEL, "apc");
VOID NTAPI KiCheckForKernelApcDelivery(VOID)
{
    if (KeGetCurrentIrql() == PASSIVE_LEVEL)
    {
        __writecr8(APC_LEVEL);
        KiDeliverApc(KernelMode);
        __writecr8(PASSIVE_LEVEL);
        return;
    }
    KiCurrentThread()->ApcState.KernelApcPending = TRUE;
    RdSendInterrupt(KiCurrentPrcb()->Number, APC_LEVEL);
}

VOID KiApcsEnabledAgain(PKTHREAD Thread)
{
    if (Thread->CombinedApcDisable == 0 && !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode]))
    {
        KiCheckForKernelApcDelivery();
    }
    else if (Thread->SpecialApcDisable == 0
        && !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])
        && CONTAINING_RECORD(Thread->ApcState.ApcListHead[KernelMode].Flink, KAPC, ApcListEntry)
                ->NormalRoutine == NULL)
    {
        /* Out of a guarded region but still in a critical one: special APCs only. */
        KiCheckForKernelApcDelivery();
    }
}

/* Thread exit, at APC_LEVEL with APCs no longer accepted: what is still queued never runs. */
VOID KeRundownApcQueues(PKTHREAD Thread)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[UserMode];

    while (!IsListEmpty(Head))
    {
        PKAPC Apc = CONTAINING_RECORD(Head->Flink, KAPC, ApcListEntry);
        PKRUNDOWN_ROUTINE Rundown;

        RdCheckObject(Apc, sizeof(*Apc));
        RdForgetObject(Apc);
        Rundown = Apc->RundownRoutine;
        KiRemoveEntry(&Apc->ApcListEntry);
        Apc->Inserted = FALSE;
        RdEvent(RD_EVENT_APC_DELIVER, RD_ADDRESS(Apc), RD_ADDRESS(Rundown), RD_APC_RUNDOWN);
        if (Rundown != NULL)
        {
            Rundown(Apc);
        }
        else
        {
            ExFreePool(Apc);
        }
    }
}

/* Suspension: a normal kernel APC whose normal routine waits. */

static VOID NTAPI KiSuspendNop(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
    PVOID *SystemArgument1, PVOID *SystemArgument2)
{
}

static VOID NTAPI KiSuspendThread(PVOID NormalContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KeWaitForSingleObject(
        &KiCurrentThread()->SuspendSemaphore, Suspended, KernelMode, FALSE, NULL);
}

VOID KiInitializeSuspension(PKTHREAD Thread)
{
    KeInitializeApc(&Thread->SuspendApc, Thread, OriginalApcEnvironment, KiSuspendNop, NULL,
        KiSuspendThread, KernelMode, NULL);
    KeInitializeSemaphore(&Thread->SuspendSemaphore, 0, 2);
}

NTSTATUS KeSuspendThread(PKTHREAD Thread, PULONG PreviousCount)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    NTSTATUS Status = STATUS_SUCCESS;

    *PreviousCount = Thread->SuspendCount;
    if (Thread->SuspendCount == MAXCHAR)
    {
        Status = STATUS_SUSPEND_COUNT_EXCEEDED;
    }
    else if (!Thread->ApcQueueable || Thread->Terminating || Thread->TerminateRequested)
    {
        /* Assumed: once a thread is to end, nobody can hold it back. */
        Status = STATUS_THREAD_IS_TERMINATING;
    }
    else if (Thread->SuspendCount++ == 0)
    {
        /* An APC that has not begun since an earlier suspension will do; take its resume back. */
        if (!KeInsertQueueApc(&Thread->SuspendApc, NULL, NULL, 0))
        {
            Thread->SuspendSemaphore.Header.SignalState--;
        }
    }
    __writecr8(OldIrql);
    return Status;
}

ULONG KeResumeThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    ULONG Previous = Thread->SuspendCount;

    if (Previous != 0 && --Thread->SuspendCount == 0)
    {
        Thread->SuspendSemaphore.Header.SignalState++;
        KiWaitTest(&Thread->SuspendSemaphore.Header, 1);
    }
    __writecr8(OldIrql);
    return Previous;
}

VOID KeForceResumeThread(PKTHREAD Thread)
{
    while (KeResumeThread(Thread) > 1)
    {
    }
}

static NOLOG PKAPC KiFindApcIn(PKAPC_STATE State, ULONG64 Start, ULONG64 End)
{
    ULONG Mode;

    for (Mode = KernelMode; Mode <= UserMode; Mode++)
    {
        PLIST_ENTRY Head = &State->ApcListHead[Mode], Entry;
        for (Entry = Head->Flink; Entry != NULL && Entry != Head; Entry = Entry->Flink)
        {
            PKAPC Apc = CONTAINING_RECORD(Entry, KAPC, ApcListEntry);
            if (KiInRange(Apc, Start, End)
                || KiInRange((PVOID)(ULONG_PTR)Apc->KernelRoutine, Start, End)
                || KiInRange((PVOID)(ULONG_PTR)Apc->RundownRoutine, Start, End)
                || (Mode == KernelMode
                    && KiInRange((PVOID)(ULONG_PTR)Apc->NormalRoutine, Start, End)))
            {
                return Apc;
            }
        }
    }
    return NULL;
}

/* An APC queued to the thread that lies in the range, or one of whose routines does; for the verifier. */
PKAPC KiFindApc(PKTHREAD Thread, ULONG64 Start, ULONG64 End)
{
    PKAPC Apc = KiFindApcIn(&Thread->ApcState, Start, End);

    return Apc != NULL ? Apc : KiFindApcIn(&Thread->SavedApcState, Start, End);
}
