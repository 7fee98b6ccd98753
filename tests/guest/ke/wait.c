/*
 * Waiting: how a wait ends, and what it takes from the objects that end it.
 */
#include "../test.h"
#include "apc.h"

NTKERNELAPI BOOLEAN NTAPI KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode);
NTKERNELAPI BOOLEAN NTAPI KeTestAlertThread(KPROCESSOR_MODE AlertMode);

TEST(ZeroTimeoutOnAnUnsignalledObjectTimesOutAtOnce)
{
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    EXPECT_EQ(TestPoll(&Event), STATUS_TIMEOUT);
}

TEST(RelativeTimeoutEndsTheWait)
{
    KEVENT Event;
    LARGE_INTEGER Timeout = TestRelative(20);

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    EXPECT_EQ(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout), STATUS_TIMEOUT);
}

TEST(AbsoluteTimeoutEndsTheWait)
{
    KEVENT Event;
    LARGE_INTEGER Timeout, Before, After;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeQuerySystemTime(&Before);
    Timeout.QuadPart = Before.QuadPart + 200000;
    EXPECT_EQ(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout), STATUS_TIMEOUT);
    KeQuerySystemTime(&After);
    EXPECT(After.QuadPart >= Timeout.QuadPart);
    EXPECT(After.QuadPart - Before.QuadPart < 10LL * 10 * 1000 * 1000);
}

TEST(AbsoluteTimeoutInThePastDoesNotBlock)
{
    KEVENT Event;
    LARGE_INTEGER Timeout;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Timeout.QuadPart = 1;
    EXPECT_EQ(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout), STATUS_TIMEOUT);
}

TEST(DelayAdvancesTimeByAtLeastTheInterval)
{
    LARGE_INTEGER Before, After;

    KeQuerySystemTime(&Before);
    TestSleep(50);
    KeQuerySystemTime(&After);
    EXPECT(After.QuadPart - Before.QuadPart >= 50 * 10000 - 10000);
}

/* A thread that waits once, as told. */
typedef struct _WAITER
{
    TEST_THREAD Thread;
    PVOID Object;
    KPROCESSOR_MODE Mode;
    BOOLEAN Alertable;
    KEVENT Ready;
    NTSTATUS Status;
    LONG Order;
} WAITER, *PWAITER;

static volatile LONG WakeSequence;

static VOID NTAPI WaiterThread(PVOID Context)
{
    PWAITER Waiter = Context;

    KeSetEvent(&Waiter->Ready, IO_NO_INCREMENT, FALSE);
    Waiter->Status =
        KeWaitForSingleObject(Waiter->Object, Executive, Waiter->Mode, Waiter->Alertable, NULL);
    Waiter->Order = InterlockedIncrement(&WakeSequence);
}

static VOID StartWaiter(PWAITER Waiter, PVOID Object, KPROCESSOR_MODE Mode, BOOLEAN Alertable)
{
    RtlZeroMemory(Waiter, sizeof(*Waiter));
    Waiter->Object = Object;
    Waiter->Mode = Mode;
    Waiter->Alertable = Alertable;
    KeInitializeEvent(&Waiter->Ready, NotificationEvent, FALSE);
    TestStartThread(&Waiter->Thread, WaiterThread, Waiter);
    TestWait(&Waiter->Ready);
    TestSleep(10); /* until it really waits; nothing fails if it does not yet */
}

TEST(AlertEndsAnAlertableWait)
{
    KEVENT Never;
    WAITER Waiter;

    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    StartWaiter(&Waiter, &Never, KernelMode, TRUE);
    KeAlertThread(Waiter.Thread.Thread, KernelMode);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_ALERTED);
}

TEST(AlertDoesNotEndAWaitThatIsNotAlertable)
{
    KEVENT Event;
    WAITER Waiter;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    StartWaiter(&Waiter, &Event, KernelMode, FALSE);
    KeAlertThread(Waiter.Thread.Thread, KernelMode);
    TestSleep(10);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_SUCCESS);
}

TEST(PendingAlertIsReportedAndClearedByTest)
{
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    EXPECT(KeTestAlertThread(KernelMode));
    EXPECT(!KeTestAlertThread(KernelMode));
}

static VOID NTAPI NoNormalKernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine,
                                        PVOID *NormalContext, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument2);
    *NormalRoutine = NULL;
    InterlockedIncrement(*Argument1);
    TestFree(Apc);
}

static VOID NTAPI FreeingRundownRoutine(PKAPC Apc)
{
    InterlockedIncrement(Apc->SystemArgument2);
    TestFree(Apc);
}

static VOID QueueUserApc(PKTHREAD Thread, volatile LONG *Kernel, volatile LONG *Rundown)
{
    PKAPC Apc = TestAllocate(sizeof(*Apc));

    KeInitializeApc(Apc, Thread, ApcOriginalEnvironment, NoNormalKernelRoutine,
                    FreeingRundownRoutine, (APC_NORMAL_ROUTINE *)(ULONG_PTR)0x10000, UserMode, NULL);
    EXPECT(KeInsertQueueApc(Apc, (PVOID)Kernel, (PVOID)Rundown, 0));
}

TEST(UserApcEndsAnAlertableWaitOfKernelModeButIsNotRun)
{
    KEVENT Never;
    WAITER Waiter;
    volatile LONG Kernel = 0, Rundown = 0;

    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    StartWaiter(&Waiter, &Never, KernelMode, TRUE);
    QueueUserApc(Waiter.Thread.Thread, &Kernel, &Rundown);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_USER_APC);
    EXPECT_EQ(Kernel, 0);
    EXPECT_EQ(Rundown, 1);
}

TEST(UserApcDoesNotEndAWaitThatIsNotAlertable)
{
    KEVENT Event;
    WAITER Waiter;
    volatile LONG Kernel = 0, Rundown = 0;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    StartWaiter(&Waiter, &Event, UserMode, FALSE);
    QueueUserApc(Waiter.Thread.Thread, &Kernel, &Rundown);
    TestSleep(10);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_SUCCESS);
    EXPECT_EQ(Kernel, 0);
    EXPECT_EQ(Rundown, 1);
}

TEST(WaitAnyReturnsTheIndexOfTheSignalledObject)
{
    KEVENT Events[3];
    PVOID Objects[3] = {&Events[0], &Events[1], &Events[2]};
    ULONG Index;

    for (Index = 0; Index < 3; Index++)
    {
        KeInitializeEvent(&Events[Index], SynchronizationEvent, Index == 2);
    }
    EXPECT_EQ(KeWaitForMultipleObjects(3, Objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
              STATUS_WAIT_0 + 2);
}

TEST(WaitAnyTakesTheLowestIndexAndOnlyThat)
{
    KEVENT Events[3];
    PVOID Objects[3] = {&Events[0], &Events[1], &Events[2]};
    ULONG Index;

    for (Index = 0; Index < 3; Index++)
    {
        KeInitializeEvent(&Events[Index], SynchronizationEvent, Index > 0);
    }
    EXPECT_EQ(KeWaitForMultipleObjects(3, Objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
              STATUS_WAIT_0 + 1);
    EXPECT_EQ(KeReadStateEvent(&Events[1]), 0);
    EXPECT(KeReadStateEvent(&Events[2]) != 0);
}

TEST(WaitAllTakesNothingUntilItCanTakeAll)
{
    KEVENT Events[2];
    PVOID Objects[2] = {&Events[0], &Events[1]};
    LARGE_INTEGER Zero = {{0, 0}};

    KeInitializeEvent(&Events[0], SynchronizationEvent, TRUE);
    KeInitializeEvent(&Events[1], SynchronizationEvent, FALSE);
    EXPECT_EQ(KeWaitForMultipleObjects(2, Objects, WaitAll, Executive, KernelMode, FALSE, &Zero, NULL),
              STATUS_TIMEOUT);
    EXPECT(KeReadStateEvent(&Events[0]) != 0);
    KeSetEvent(&Events[1], IO_NO_INCREMENT, FALSE);
    EXPECT_EQ(KeWaitForMultipleObjects(2, Objects, WaitAll, Executive, KernelMode, FALSE, &Zero, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(KeReadStateEvent(&Events[0]), 0);
    EXPECT_EQ(KeReadStateEvent(&Events[1]), 0);
}

TEST(WaitForMoreThanThreeObjectsUsesTheGivenWaitBlocks)
{
    KEVENT Events[5];
    PVOID Objects[5];
    KWAIT_BLOCK Blocks[5];
    ULONG Index;

    for (Index = 0; Index < 5; Index++)
    {
        KeInitializeEvent(&Events[Index], NotificationEvent, Index == 4);
        Objects[Index] = &Events[Index];
    }
    EXPECT_EQ(
        KeWaitForMultipleObjects(5, Objects, WaitAny, Executive, KernelMode, FALSE, NULL, Blocks),
        STATUS_WAIT_0 + 4);
}

typedef struct _MULTI_WAITER
{
    TEST_THREAD Thread;
    PVOID Objects[2];
    WAIT_TYPE Type;
    KEVENT Ready;
    NTSTATUS Status;
} MULTI_WAITER, *PMULTI_WAITER;

static VOID NTAPI MultiWaiterThread(PVOID Context)
{
    PMULTI_WAITER Waiter = Context;

    KeSetEvent(&Waiter->Ready, IO_NO_INCREMENT, FALSE);
    Waiter->Status = KeWaitForMultipleObjects(2, Waiter->Objects, Waiter->Type, Executive, KernelMode,
                                              FALSE, NULL, NULL);
}

TEST(BlockedWaitAllEndsWhenTheLastObjectIsSignalled)
{
    KEVENT First, Second;
    MULTI_WAITER Waiter;

    KeInitializeEvent(&First, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Second, SynchronizationEvent, FALSE);
    Waiter.Objects[0] = &First;
    Waiter.Objects[1] = &Second;
    Waiter.Type = WaitAll;
    KeInitializeEvent(&Waiter.Ready, NotificationEvent, FALSE);
    TestStartThread(&Waiter.Thread, MultiWaiterThread, &Waiter);
    TestWait(&Waiter.Ready);
    KeSetEvent(&First, IO_NO_INCREMENT, FALSE);
    TestSleep(10);
    EXPECT(KeReadStateEvent(&First) != 0);
    KeSetEvent(&Second, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_SUCCESS);
    EXPECT_EQ(KeReadStateEvent(&First), 0);
    EXPECT_EQ(KeReadStateEvent(&Second), 0);
}

TEST(BlockedWaitAnyEndsWithTheIndexOfTheSignalledObject)
{
    KEVENT First, Second;
    MULTI_WAITER Waiter;

    KeInitializeEvent(&First, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Second, SynchronizationEvent, FALSE);
    Waiter.Objects[0] = &First;
    Waiter.Objects[1] = &Second;
    Waiter.Type = WaitAny;
    KeInitializeEvent(&Waiter.Ready, NotificationEvent, FALSE);
    TestStartThread(&Waiter.Thread, MultiWaiterThread, &Waiter);
    TestWait(&Waiter.Ready);
    TestSleep(10);
    KeSetEvent(&Second, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_WAIT_0 + 1);
}

TEST(SynchronizationEventReleasesOneWaiter)
{
    KEVENT Event;
    WAITER Waiters[2];

    WakeSequence = 0;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    StartWaiter(&Waiters[0], &Event, KernelMode, FALSE);
    StartWaiter(&Waiters[1], &Event, KernelMode, FALSE);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    TestSleep(10);
    EXPECT_EQ(WakeSequence, 1);
    EXPECT_EQ(KeReadStateEvent(&Event), 0);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Waiters[0].Thread);
    TestJoinThread(&Waiters[1].Thread);
    EXPECT_EQ(WakeSequence, 2);
}

TEST(NotificationEventReleasesAllWaitersAndStaysSignalled)
{
    KEVENT Event;
    WAITER Waiters[2];

    WakeSequence = 0;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    StartWaiter(&Waiters[0], &Event, KernelMode, FALSE);
    StartWaiter(&Waiters[1], &Event, KernelMode, FALSE);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Waiters[0].Thread);
    TestJoinThread(&Waiters[1].Thread);
    EXPECT(KeReadStateEvent(&Event) != 0);
}

TEST(WaitersOfEqualPriorityAreReleasedInOrder)
{
    KEVENT Event;
    WAITER First, Second;

    WakeSequence = 0;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    StartWaiter(&First, &Event, KernelMode, FALSE);
    StartWaiter(&Second, &Event, KernelMode, FALSE);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&First.Thread);
    EXPECT_EQ(First.Order, 1);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Second.Thread);
    EXPECT_EQ(Second.Order, 2);
}

TEST(PulseReleasesTheWaitersAndLeavesTheEventReset)
{
    KEVENT Event;
    WAITER Waiter;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    StartWaiter(&Waiter, &Event, KernelMode, FALSE);
    KePulseEvent(&Event, IO_NO_INCREMENT, FALSE);
    EXPECT_EQ(KeReadStateEvent(&Event), 0);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE); /* should the pulse have come too early */
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_SUCCESS);
}

TEST(WaitForAThreadEndsWhenItHasExited)
{
    KEVENT Event;
    WAITER Waiter;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    StartWaiter(&Waiter, &Event, KernelMode, FALSE);
    EXPECT_EQ(TestPoll(Waiter.Thread.Thread), STATUS_TIMEOUT);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    EXPECT_EQ(TestWait(Waiter.Thread.Thread), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(Waiter.Thread.Thread), STATUS_SUCCESS);
    ObDereferenceObject(Waiter.Thread.Thread);
}

TEST(WaitReturnsAtTheIrqlItWasCalledAt)
{
    KEVENT Event;
    KIRQL Irql;

    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    KeRaiseIrql(APC_LEVEL, &Irql);
    EXPECT_EQ(TestWait(&Event), STATUS_SUCCESS);
    EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
    KeLowerIrql(Irql);
}

TEST(ZeroTimeoutIsAllowedAtDispatchLevel)
{
    KEVENT Event;
    KIRQL Irql;

    KeInitializeEvent(&Event, SynchronizationEvent, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    EXPECT_EQ(TestPoll(&Event), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Event), STATUS_TIMEOUT);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(Irql);
}

/* Two waits: the first with a time-out that is not needed, the second without. */
static VOID NTAPI TwoWaits(PVOID Context)
{
    PWAITER Waiter = Context;
    PKEVENT *Events = Waiter->Object;
    LARGE_INTEGER Timeout = TestRelative(50);

    KeSetEvent(&Waiter->Ready, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(Events[0], Executive, KernelMode, FALSE, &Timeout);
    KeSetEvent(&Waiter->Ready, IO_NO_INCREMENT, FALSE);
    Waiter->Status = KeWaitForSingleObject(Events[1], Executive, KernelMode, FALSE, NULL);
}

TEST(TimeoutOfAWaitThatHasEndedIsForgotten)
{
    KEVENT First, Second;
    PKEVENT Events[2] = {&First, &Second};
    WAITER Waiter;

    KeInitializeEvent(&First, NotificationEvent, FALSE);
    KeInitializeEvent(&Second, NotificationEvent, FALSE);
    Waiter.Object = Events;
    KeInitializeEvent(&Waiter.Ready, SynchronizationEvent, FALSE);
    TestStartThread(&Waiter.Thread, TwoWaits, &Waiter);
    TestWait(&Waiter.Ready);
    TestSleep(5);
    KeSetEvent(&First, IO_NO_INCREMENT, FALSE);
    TestWait(&Waiter.Ready);
    TestSleep(200);
    KeSetEvent(&Second, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Status, STATUS_SUCCESS);
}
