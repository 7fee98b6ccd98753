/* Events and semaphores. KeClearEvent, KeReadStateEvent and the like touch one word and need no lock. */
#include "guest/include/ki.h"

/* Behind an operation that may wake somebody: with Wait = TRUE the caller promises to wait next and keeps
 * DISPATCH_LEVEL until then. */
static VOID KiFinish(KIRQL OldIrql, BOOLEAN Wait)
{
    if (Wait)
    {
        PKTHREAD Thread = KiCurrentThread();
        Thread->WaitNext = TRUE;
        Thread->WaitNextIrql = OldIrql;
        return;
    }
    __writecr8(OldIrql);
}

static VOID KiInitializeHeader(PDISPATCHER_HEADER Header, UCHAR Type, UCHAR Size, LONG State)
{
    Header->Lock = 0;
    Header->Type = Type;
    Header->Size = Size;
    Header->SignalState = State;
    InitializeListHead(&Header->WaitListHead);
}

NTEXPORT(KeInitializeEvent, ANY_LEVEL, "event");
VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    KiInitializeHeader(&Event->Header, (UCHAR)Type, sizeof(KEVENT) / sizeof(LONG), State);
}

NTEXPORT(KeSetEvent, DISPATCH_LEVEL, "event");
LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LONG Old = Event->Header.SignalState;

    RdEvent(RD_EVENT_SIGNAL, RD_ADDRESS(Event), 0, 0);
    /* What is as it should be is not written: to set a set event, or to clear a clear one, commutes with the same
     * by another thread, and with looking at it. */
    if (Old == 0)
    {
        Event->Header.SignalState = 1;
        if (!IsListEmpty(&Event->Header.WaitListHead))
        {
            KiWaitTest(&Event->Header, Increment);
        }
    }
    KiFinish(OldIrql, Wait);
    return Old;
}

NTEXPORT(KeResetEvent, DISPATCH_LEVEL, "event");
LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    LONG Old = Event->Header.SignalState;

    if (Old != 0)
    {
        Event->Header.SignalState = 0;
    }
    return Old;
}

NTEXPORT(KeClearEvent, DISPATCH_LEVEL, "event");
VOID NTAPI KeClearEvent(PRKEVENT Event)
{
    if (Event->Header.SignalState != 0)
    {
        Event->Header.SignalState = 0;
    }
}

NTEXPORT(KeReadStateEvent, DISPATCH_LEVEL, "event");
LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
    return Event->Header.SignalState;
}

NTEXPORT(KePulseEvent, DISPATCH_LEVEL, "event");
LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LONG Old = Event->Header.SignalState;

    RdEvent(RD_EVENT_SIGNAL, RD_ADDRESS(Event), 0, 0);
    if (Old == 0 && !IsListEmpty(&Event->Header.WaitListHead))
    {
        Event->Header.SignalState = 1;
        KiWaitTest(&Event->Header, Increment);
    }
    Event->Header.SignalState = 0;
    KiFinish(OldIrql, Wait);
    return Old;
}

NTEXPORT(KeInitializeSemaphore, ANY_LEVEL, "semaphore");
VOID NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    KiInitializeHeader(
        &Semaphore->Header, KI_SEMAPHORE, sizeof(KSEMAPHORE) / sizeof(LONG), Count);
    Semaphore->Limit = Limit;
}

NTEXPORT(KeReleaseSemaphore, DISPATCH_LEVEL, "semaphore");
LONG NTAPI KeReleaseSemaphore(
    PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LONG Old = Semaphore->Header.SignalState;
    LONG New = (LONG)((ULONG)Old + (ULONG)Adjustment);

    if (New > Semaphore->Limit || New < Old)
    {
        __writecr8(OldIrql);
        ExRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    RdEvent(RD_EVENT_SIGNAL, RD_ADDRESS(Semaphore), 0, 0);
    Semaphore->Header.SignalState = New;
    if (Old == 0 && !IsListEmpty(&Semaphore->Header.WaitListHead))
    {
        KiWaitTest(&Semaphore->Header, Increment);
    }
    KiFinish(OldIrql, Wait);
    return Old;
}

NTEXPORT(KeReadStateSemaphore, ANY_LEVEL, "semaphore");
LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return Semaphore->Header.SignalState;
}
