/*
 * Waiting where a small mistake of the kernel would not show: at APC_LEVEL, with a time-out that
 * is not used up, and with time-outs whose length matters.
 */
#include "../test.h"
#include "apc.h"

typedef struct _RAISED_WAITER
{
    TEST_THREAD Thread;
    KEVENT Ready, Event;
    volatile LONG Delivered, DeliveredInWait;
    NTSTATUS Status;
} RAISED_WAITER, *PRAISED_WAITER;

static VOID NTAPI CountDelivery(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(*Argument1);
}

static VOID NTAPI NoRundown(PKAPC Apc)
{
    UNREFERENCED_PARAMETER(Apc);
}

static VOID NTAPI WaitAtApcLevel(PVOID Context)
{
    PRAISED_WAITER Waiter = Context;
    KIRQL Irql;

    KeRaiseIrql(APC_LEVEL, &Irql);
    KeSetEvent(&Waiter->Ready, IO_NO_INCREMENT, FALSE);
    Waiter->Status = TestWait(&Waiter->Event);
    Waiter->DeliveredInWait = Waiter->Delivered;
    KeLowerIrql(Irql);
}

TEST(SpecialApcDoesNotInterruptAWaitAtApcLevel)
{
    RAISED_WAITER Waiter;
    KAPC Apc;

    RtlZeroMemory(&Waiter, sizeof(Waiter));
    KeInitializeEvent(&Waiter.Ready, NotificationEvent, FALSE);
    KeInitializeEvent(&Waiter.Event, NotificationEvent, FALSE);
    TestStartThread(&Waiter.Thread, WaitAtApcLevel, &Waiter);
    TestWait(&Waiter.Ready);
    TestSleep(10);
    KeInitializeApc(&Apc, Waiter.Thread.Thread, ApcOriginalEnvironment, CountDelivery, NoRundown,
                    NULL, KernelMode, NULL);
    EXPECT(KeInsertQueueApc(&Apc, (PVOID)&Waiter.Delivered, NULL, 0));
    TestSleep(10);
    EXPECT_EQ(Waiter.Delivered, 0);
    KeSetEvent(&Waiter.Event, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_SUCCESS);
    EXPECT_EQ(Waiter.DeliveredInWait, 0);
    EXPECT_EQ(Waiter.Delivered, 1);
}

TEST(WaitAtApcLevelDeliversNothingThatIsPending)
{
    KEVENT Event;
    KAPC Apc;
    KIRQL Irql;
    volatile LONG Delivered = 0;

    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    KeInitializeApc(&Apc, KeGetCurrentThread(), ApcOriginalEnvironment, CountDelivery, NoRundown,
                    NULL, KernelMode, NULL);
    KeRaiseIrql(APC_LEVEL, &Irql);
    EXPECT(KeInsertQueueApc(&Apc, (PVOID)&Delivered, NULL, 0));
    EXPECT_EQ(TestWait(&Event), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Event), STATUS_SUCCESS);
    EXPECT_EQ(Delivered, 0);
    KeLowerIrql(Irql);
    EXPECT_EQ(Delivered, 1);
}

/* Minutes that pass in the wait. */
static LONG MinutesOf(LARGE_INTEGER Timeout)
{
    LARGE_INTEGER Before, After;
    KEVENT Never;

    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeQuerySystemTime(&Before);
    EXPECT_EQ(KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, &Timeout),
              STATUS_TIMEOUT);
    KeQuerySystemTime(&After);
    return (LONG)((After.QuadPart - Before.QuadPart) / (60 * 10000000LL));
}

TEST(AbsoluteTimeoutEndsTheWaitNotMuchLaterThanItSays)
{
    LARGE_INTEGER Timeout;

    KeQuerySystemTime(&Timeout);
    Timeout.QuadPart += 50 * 10000;
    EXPECT_EQ(MinutesOf(Timeout), 0);
}

static VOID NTAPI SetSoon(PVOID Event)
{
    TestSleep(10);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
}

TEST(TimeoutOfAWaitThatEndedEarlyIsForgotten)
{
    LARGE_INTEGER Long = TestRelative(30 * 60 * 1000);
    TEST_THREAD Thread;
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    TestStartThread(&Thread, SetSoon, &Event);
    EXPECT_EQ(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Long), STATUS_SUCCESS);
    EXPECT_EQ(MinutesOf(TestRelative(5 * 60 * 1000)), 5);
    TestJoinThread(&Thread);
}
