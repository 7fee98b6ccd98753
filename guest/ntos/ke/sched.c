/*
 * The dispatcher: ready queues, context switches, the idle loop. A thread is bound to one processor when it
 * is created, so ready queues belong to processors and making a thread ready touches nothing that two
 * other threads share. Priorities decide, there is no quantum: what would be the end of one is the
 * explorer's business, which chooses among processors.
 *
 * All of this runs at DISPATCH_LEVEL, so that a software interrupt that a processor sends to itself waits
 * until the dispatcher's lists are in order again.
 */
#include "guest/include/ki.h"

VOID KiRequestDispatch(PKPRCB Prcb)
{
    RdSendInterrupt(Prcb->Number, DISPATCH_LEVEL);
}

static VOID KiInsertReady(PKTHREAD Thread, BOOLEAN Front)
{
    PKPRCB Prcb = Thread->Prcb;
    ULONG Priority = (ULONG)Thread->Priority;

    RD_KASSERT(Priority < 32);
    Thread->Rd.state = RD_THREAD_READY;
    if (Front)
    {
        InsertHeadList(&Prcb->ReadyListHead[Priority], &Thread->ReadyListEntry);
    }
    else
    {
        InsertTailList(&Prcb->ReadyListHead[Priority], &Thread->ReadyListEntry);
    }
    Prcb->ReadySummary |= 1ull << Priority;
}

/* The caller is at DISPATCH_LEVEL or sends the thread to another processor. */
VOID KiReadyThread(PKTHREAD Thread)
{
    PKPRCB Prcb = Thread->Prcb;
    PKTHREAD Running = Prcb->CurrentThread;

    KiInsertReady(Thread, FALSE);
    if (Running == Prcb->IdleThread || Thread->Priority > Running->Priority)
    {
        KiRequestDispatch(Prcb);
    }
}

static PKTHREAD KiSelectReadyThread(PKPRCB Prcb, LONG AtLeast)
{
    ULONG Highest;
    PLIST_ENTRY Entry;

    if (Prcb->ReadySummary == 0)
    {
        return NULL;
    }
    Highest = 31 - (ULONG)__builtin_clz((ULONG)Prcb->ReadySummary);
    if ((LONG)Highest < AtLeast)
    {
        return NULL;
    }
    Entry = RemoveHeadList(&Prcb->ReadyListHead[Highest]);
    if (IsListEmpty(&Prcb->ReadyListHead[Highest]))
    {
        Prcb->ReadySummary &= ~(1ull << Highest);
    }
    return CONTAINING_RECORD(Entry, KTHREAD, ReadyListEntry);
}

static VOID KiSwapTo(PKPRCB Prcb, PKTHREAD Old, PKTHREAD New)
{
    New->Rd.state = RD_THREAD_RUNNING;
    New->ContextSwitches++;
    KiSwapContext(Old, New);
    /* Old runs again, perhaps much later. An APC that arrived meanwhile could not interrupt it. */
    if (Old->ApcState.KernelApcPending && Old->SpecialApcDisable == 0)
    {
        RdSendInterrupt(Prcb->Number, APC_LEVEL);
    }
}

/* The current thread has stopped being runnable. Returns when it runs again, with its wait status. */
__attribute__((noinline)) LONG_PTR KiSwapThread(VOID)
{
    PKPRCB Prcb = KiCurrentPrcb();
    PKTHREAD Old = Prcb->CurrentThread;
    PKTHREAD New = KiSelectReadyThread(Prcb, 0);

    RD_KASSERT(Old != Prcb->IdleThread && Old->Rd.state != RD_THREAD_RUNNING);
    if (New == NULL)
    {
        New = Prcb->IdleThread;
    }
    if (New != Old)
    {
        KiSwapTo(Prcb, Old, New);
    }
    Old->Rd.state = RD_THREAD_RUNNING;
    return Old->WaitStatus;
}

/* Dispatch interrupt: somebody of higher priority may be ready. */
VOID KiDispatchPreempt(VOID)
{
    PKPRCB Prcb = KiCurrentPrcb();
    PKTHREAD Old = Prcb->CurrentThread;
    BOOLEAN Idle = Old == Prcb->IdleThread;
    PKTHREAD New = KiSelectReadyThread(Prcb, Idle ? 0 : Old->Priority + 1);

    if (New == NULL)
    {
        return;
    }
    if (!Idle)
    {
        KiInsertReady(Old, TRUE);
    }
    KiSwapTo(Prcb, Old, New);
    Old->Rd.state = RD_THREAD_RUNNING;
}

/* A turn for other ready threads of the same priority. TRUE when one of them ran. */
static BOOLEAN KiYield(VOID)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    PKPRCB Prcb = KiCurrentPrcb();
    PKTHREAD Old = Prcb->CurrentThread;
    PKTHREAD New = KiSelectReadyThread(Prcb, Old->Priority);

    if (New != NULL)
    {
        KiInsertReady(Old, FALSE);
        KiSwapTo(Prcb, Old, New);
        Old->Rd.state = RD_THREAD_RUNNING;
    }
    __writecr8(OldIrql);
    return New != NULL;
}

NTEXPORT(ZwYieldExecution, PASSIVE_LEVEL, "processor");
NTSTATUS NTAPI ZwYieldExecution(VOID)
{
    BOOLEAN Yielded = KiYield();

    RdSchedule();
    return Yielded ? STATUS_SUCCESS : STATUS_NO_YIELD_PERFORMED;
}

/* Threads that have terminated on this processor: it stands on another stack now, so the references that they
 * held on themselves can go, and nothing below the top of their stacks is alive. */
static VOID KiReapThreads(PKPRCB Prcb)
{
    while (!IsListEmpty(&Prcb->ReaperListHead))
    {
        PLIST_ENTRY Entry = RemoveHeadList(&Prcb->ReaperListHead);
        PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, ReadyListEntry);

        Thread->Rd.saved_rsp = Thread->Rd.stack_base;
        /* Deletion belongs to PASSIVE_LEVEL. */
        __writecr8(PASSIVE_LEVEL);
        ObDereferenceObject(Thread);
        KiRaiseIrql(DISPATCH_LEVEL);
    }
}

VOID KiIdleLoop(VOID)
{
    PKPRCB Prcb = KiCurrentPrcb();

    for (;;)
    {
        KiRaiseIrql(DISPATCH_LEVEL);
        KiDispatchPreempt();
        KiReapThreads(Prcb);
        /* Whoever makes a thread ready here also sends an interrupt, which ends the HLT. */
        __writecr8(PASSIVE_LEVEL);
        __asm__ volatile("hlt" ::: "memory");
    }
}

/* Priorities. */

static VOID KiChangePriority(PKTHREAD Thread, KPRIORITY Priority)
{
    PKPRCB Prcb = Thread->Prcb;

    if (Thread->Priority == Priority)
    {
        return;
    }
    if (Thread->Rd.state == RD_THREAD_READY)
    {
        RemoveEntryList(&Thread->ReadyListEntry);
        if (IsListEmpty(&Prcb->ReadyListHead[(ULONG)Thread->Priority]))
        {
            Prcb->ReadySummary &= ~(1ull << (ULONG)Thread->Priority);
        }
        Thread->Priority = (SCHAR)Priority;
        KiReadyThread(Thread);
        return;
    }
    Thread->Priority = (SCHAR)Priority;
    if (Thread->Rd.state == RD_THREAD_RUNNING && Prcb->ReadySummary >> Priority > 1)
    {
        KiRequestDispatch(Prcb);
    }
}

NTEXPORT(KeSetPriorityThread, DISPATCH_LEVEL, "thread");
KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    KIRQL OldIrql;
    KPRIORITY Old = Thread->Priority;

    if (Priority < LOW_PRIORITY + 1 || Priority > HIGH_PRIORITY)
    {
        return Old;
    }
    OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    KiChangePriority(Thread, Priority);
    __writecr8(OldIrql);
    return Old;
}

NTEXPORT(KeSetBasePriorityThread, DISPATCH_LEVEL, "thread");
LONG NTAPI KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LONG ProcessBase = 8;
    LONG Old = Thread->BasePriority - ProcessBase;
    LONG Base = ProcessBase + Increment;

    if (Base < 1)
    {
        Base = 1;
    }
    if (Base > HIGH_PRIORITY)
    {
        Base = HIGH_PRIORITY;
    }
    Thread->BasePriority = (SCHAR)Base;
    KiChangePriority(Thread, Base);
    __writecr8(OldIrql);
    return Old;
}

NTEXPORT(KeQueryPriorityThread, DISPATCH_LEVEL, "thread");
KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread)
{
    return Thread->Priority;
}
