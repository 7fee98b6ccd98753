/*
 * Dispatcher objects, one thread: what setting, clearing, releasing and reading them returns.
 */
#include "../test.h"

TEST(SetEventReturnsThePreviousState)
{
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    EXPECT_EQ(KeSetEvent(&Event, IO_NO_INCREMENT, FALSE), 0);
    EXPECT(KeSetEvent(&Event, IO_NO_INCREMENT, FALSE) != 0);
}

TEST(ResetEventReturnsThePreviousStateAndClears)
{
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    EXPECT(KeResetEvent(&Event) != 0);
    EXPECT_EQ(KeResetEvent(&Event), 0);
    EXPECT_EQ(KeReadStateEvent(&Event), 0);
}

TEST(ClearEventClears)
{
    KEVENT Event;

    KeInitializeEvent(&Event, SynchronizationEvent, TRUE);
    KeClearEvent(&Event);
    EXPECT_EQ(KeReadStateEvent(&Event), 0);
}

TEST(WaitConsumesASynchronizationEvent)
{
    KEVENT Event;

    KeInitializeEvent(&Event, SynchronizationEvent, TRUE);
    EXPECT_EQ(TestPoll(&Event), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Event), STATUS_TIMEOUT);
}

TEST(WaitLeavesANotificationEventSignalled)
{
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    EXPECT_EQ(TestPoll(&Event), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Event), STATUS_SUCCESS);
}

TEST(SettingASynchronizationEventTwiceCountsOnce)
{
    KEVENT Event;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    EXPECT_EQ(TestPoll(&Event), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Event), STATUS_TIMEOUT);
}

TEST(SemaphoreCountsWaitsDownAndReleasesUp)
{
    KSEMAPHORE Semaphore;

    KeInitializeSemaphore(&Semaphore, 2, 5);
    EXPECT_EQ(TestPoll(&Semaphore), STATUS_SUCCESS);
    EXPECT_EQ(KeReadStateSemaphore(&Semaphore), 1);
    EXPECT_EQ(TestPoll(&Semaphore), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Semaphore), STATUS_TIMEOUT);
    EXPECT_EQ(KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 3, FALSE), 0);
    EXPECT_EQ(KeReadStateSemaphore(&Semaphore), 3);
    EXPECT_EQ(KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 1, FALSE), 3);
}

TEST(MutexIsRecursiveAndReleaseReturnsThePreviousState)
{
    KMUTEX Mutex;

    KeInitializeMutex(&Mutex, 0);
    EXPECT_EQ(KeReadStateMutex(&Mutex), 1);
    EXPECT_EQ(TestPoll(&Mutex), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Mutex), STATUS_SUCCESS);
    EXPECT_EQ(KeReleaseMutex(&Mutex, FALSE), -1);
    EXPECT_EQ(KeReleaseMutex(&Mutex, FALSE), 0);
    EXPECT_EQ(KeReadStateMutex(&Mutex), 1);
}

static VOID NTAPI TryMutex(PVOID Context)
{
    PVOID *Arguments = Context;
    volatile NTSTATUS *Status = Arguments[1];

    *Status = TestPoll(Arguments[0]);
    if (*Status == STATUS_SUCCESS)
    {
        KeReleaseMutex(Arguments[0], FALSE);
    }
}

TEST(MutexExcludesAnotherThreadUntilTheLastRelease)
{
    KMUTEX Mutex;
    TEST_THREAD Thread;
    volatile NTSTATUS Status = 0;
    PVOID Arguments[2] = {&Mutex, (PVOID)&Status};

    KeInitializeMutex(&Mutex, 0);
    TestPoll(&Mutex);
    TestPoll(&Mutex);
    KeReleaseMutex(&Mutex, FALSE);
    TestStartThread(&Thread, TryMutex, Arguments);
    TestJoinThread(&Thread);
    EXPECT_EQ(Status, STATUS_TIMEOUT);
    KeReleaseMutex(&Mutex, FALSE);
    TestStartThread(&Thread, TryMutex, Arguments);
    TestJoinThread(&Thread);
    EXPECT_EQ(Status, STATUS_SUCCESS);
}

static VOID NTAPI TakeMutex(PVOID Context)
{
    PVOID *Arguments = Context;
    KMUTEX *Mutex = Arguments[0];
    PKEVENT Waiting = Arguments[1];
    volatile LONG *Done = Arguments[2];

    KeSetEvent(Waiting, IO_NO_INCREMENT, FALSE);
    TestWait(Mutex);
    InterlockedIncrement(Done);
    KeReleaseMutex(Mutex, FALSE);
}

TEST(ReleasingAMutexHandsItToAWaiter)
{
    KMUTEX Mutex;
    KEVENT Waiting;
    volatile LONG Done = 0;
    PVOID Arguments[3] = {&Mutex, &Waiting, (PVOID)&Done};
    TEST_THREAD Thread;

    KeInitializeMutex(&Mutex, 0);
    KeInitializeEvent(&Waiting, NotificationEvent, FALSE);
    TestPoll(&Mutex);
    TestStartThread(&Thread, TakeMutex, Arguments);
    TestWait(&Waiting);
    TestSleep(10);
    EXPECT_EQ(Done, 0);
    KeReleaseMutex(&Mutex, FALSE);
    TestJoinThread(&Thread);
    EXPECT_EQ(Done, 1);
    EXPECT_EQ(KeReadStateMutex(&Mutex), 1);
}
