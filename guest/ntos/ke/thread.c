/*
 * The dispatcher's part of a thread's life: its number (stack and pool slab), its processor, its first
 * switch frame, and the last time it leaves the processor.
 */
#include "guest/include/ki.h"

/* What KiSwapContext leaves on a stack. */
typedef struct _KSWITCH_FRAME
{
    M128A Xmm[10];
    ULONG MxCsr;
    ULONG Fill[5];
    ULONG64 R15, R14, R13, R12, Rsi, Rdi, Rbx, Rbp;
    ULONG64 Return;
    ULONG64 EndOfStack; /* return address of KiStartSystemThread: none */
} KSWITCH_FRAME, *PKSWITCH_FRAME;
C_ASSERT(FIELD_OFFSET(KSWITCH_FRAME, MxCsr) == 0xA0);
C_ASSERT(FIELD_OFFSET(KSWITCH_FRAME, R15) == 0xB8);
C_ASSERT(FIELD_OFFSET(KSWITCH_FRAME, Return) == 0xF8);
C_ASSERT(FIELD_OFFSET(KTHREAD, Rd.saved_rsp) == 0x218);

/* Numbers below RD_MAX_CPUS belong to idle threads. Never reused, like the stacks and slabs that go with them: a
 * run may create RD_MAX_STACKS - RD_MAX_CPUS threads. */
static ULONG KiNextThreadIndex = RD_MAX_CPUS;

ULONG KiAllocateThreadIndex(VOID)
{
    return KiNextThreadIndex < RD_MAX_STACKS ? KiNextThreadIndex++ : ~0u;
}

VOID KiInitializeThread(PKTHREAD Thread, ULONG Index, PKPROCESS Process, PCSTR Name)
{
    ULONG64 Limit = RD_STACK_BASE + Index * RD_STACK_STRIDE + RD_STACK_GUARD;
    ULONG Position;

    Thread->Header.Type = KI_THREAD;
    InitializeListHead(&Thread->Header.WaitListHead);
    InitializeListHead(&Thread->MutantListHead);
    for (Position = 0; Position < MaximumMode; Position++)
    {
        InitializeListHead(&Thread->ApcState.ApcListHead[Position]);
        InitializeListHead(&Thread->SavedApcState.ApcListHead[Position]);
    }
    Thread->ApcState.Process = Process;
    Thread->Process = Process;
    Thread->ApcQueueable = TRUE;
    Thread->Index = Index;
    Thread->Priority = 8;
    Thread->BasePriority = 8;
    Thread->StackLimit = (PVOID)(ULONG_PTR)Limit;
    Thread->InitialStack = (PVOID)(ULONG_PTR)(Limit + RD_STACK_SIZE);
    KeInitializeTimerEx(&Thread->Timer, NotificationTimer);
    KiInitializeSuspension(Thread);

    Thread->Rd.kthread = RD_ADDRESS(Thread);
    Thread->Rd.stack_limit = Limit;
    Thread->Rd.stack_base = Limit + RD_STACK_SIZE;
    Thread->Rd.saved_rsp = Thread->Rd.stack_base;
    Thread->Rd.state = RD_THREAD_INITIALIZED;
    Thread->Rd.scenario_index = ~0u;
    for (Position = 0; Position + 1 < RD_ABI_NAME && Name[Position] != 0; Position++)
    {
        Thread->Rd.name[Position] = Name[Position];
    }
}

VOID KiPrepareThreadStack(PKTHREAD Thread, PVOID SystemRoutine, PVOID StartRoutine, PVOID Context)
{
    PKSWITCH_FRAME Frame = (PKSWITCH_FRAME)Thread->InitialStack - 1;

    RD_KASSERT((ULONG_PTR)Frame % 16 == 0);
    RdMap(Thread->StackLimit, RD_STACK_SIZE, RD_SHADOW_STACK);
    Thread->Rd.saved_rsp = RD_ADDRESS(Frame);
    RtlZeroMemory(Frame, sizeof(*Frame));
    Frame->MxCsr = 0x1F80;
    Frame->Rbx = RD_ADDRESS(SystemRoutine);
    Frame->Rsi = RD_ADDRESS(StartRoutine);
    Frame->Rdi = RD_ADDRESS(Context);
    Frame->Return = RD_ADDRESS(KiStartSystemThread);
}

/* The lowest processor that has fewest threads: with a processor for each thread, the lowest free one. */
VOID KiBindThread(PKTHREAD Thread)
{
    ULONG Limit = KiActiveProcessors();
    ULONG Number;
    ULONG Best = 1;

    RD_KASSERT(Limit >= 2);
    for (Number = 1; Number < Limit && KiPcrOf(Best)->Prcb.BoundThreads != 0; Number++)
    {
        if (KiPcrOf(Number)->Prcb.BoundThreads < KiPcrOf(Best)->Prcb.BoundThreads)
        {
            Best = Number;
        }
    }
    Thread->Prcb = &KiPcrOf(Best)->Prcb;
    Thread->Prcb->BoundThreads++;
    Thread->Rd.cpu = Best;
}

VOID KeReadyThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    RD_KASSERT(Thread->Rd.state == RD_THREAD_INITIALIZED);
    KiReadyThread(Thread);
    __writecr8(OldIrql);
}

DECLSPEC_NORETURN VOID KeTerminateThread(VOID)
{
    PKPRCB Prcb;
    PKTHREAD Thread = KiCurrentThread();
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    RD_KASSERT(OldIrql <= APC_LEVEL);
    Prcb = KiCurrentPrcb();
    if (Thread->Queue != NULL)
    {
        RemoveEntryList(&Thread->QueueListEntry);
        KiThreadLeavesQueue(Thread);
        Thread->Queue = NULL;
    }
    Prcb->BoundThreads--;
    Thread->Rd.state = RD_THREAD_TERMINATED;
    Thread->Header.SignalState = 1;
    if (!IsListEmpty(&Thread->Header.WaitListHead))
    {
        KiWaitTest(&Thread->Header, 0);
    }
    InsertTailList(&Prcb->ReaperListHead, &Thread->ReadyListEntry);
    KiSwapThread();
    RdAssertFailed("a terminated thread ran again", __FILE__, __LINE__);
}

#undef KeGetCurrentThread
NTEXPORT(KeGetCurrentThread, ANY_LEVEL, "");
PKTHREAD NTAPI KeGetCurrentThread(VOID)
{
    return KiCurrentThread();
}
