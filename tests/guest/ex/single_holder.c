/*
 * One holder, one waiter: the smallest case of run-down protection, of the remove lock and of the
 * fast mutex, where a count that is wrong by one shows.
 */
#include "../test.h"

typedef struct _CONTENDER
{
    TEST_THREAD Thread;
    EX_RUNDOWN_REF Rundown;
    IO_REMOVE_LOCK Lock;
    FAST_MUTEX Mutex;
    KEVENT Began;
    volatile LONG Ended;
} CONTENDER, *PCONTENDER;

/* Starts the thread and gives it the time to block. */
static VOID StartContender(PCONTENDER Contender, PKSTART_ROUTINE Routine)
{
    Contender->Ended = 0;
    KeInitializeEvent(&Contender->Began, NotificationEvent, FALSE);
    TestStartThread(&Contender->Thread, Routine, Contender);
    TestWait(&Contender->Began);
    TestSleep(10);
    EXPECT_EQ(Contender->Ended, 0);
}

static VOID JoinContender(PCONTENDER Contender)
{
    TestJoinThread(&Contender->Thread);
    EXPECT_EQ(Contender->Ended, 1);
}

static VOID NTAPI RunDown(PVOID Context)
{
    PCONTENDER Contender = Context;

    KeSetEvent(&Contender->Began, IO_NO_INCREMENT, FALSE);
    ExWaitForRundownProtectionRelease(&Contender->Rundown);
    InterlockedIncrement(&Contender->Ended);
}

TEST(RundownWaitsForItsOnlyHolder)
{
    CONTENDER Contender;

    ExInitializeRundownProtection(&Contender.Rundown);
    EXPECT(ExAcquireRundownProtection(&Contender.Rundown));
    StartContender(&Contender, RunDown);
    ExReleaseRundownProtection(&Contender.Rundown);
    JoinContender(&Contender);
}

static VOID NTAPI Remove(PVOID Context)
{
    PCONTENDER Contender = Context;

    EXPECT_EQ(IoAcquireRemoveLock(&Contender->Lock, Contender), STATUS_SUCCESS);
    KeSetEvent(&Contender->Began, IO_NO_INCREMENT, FALSE);
    IoReleaseRemoveLockAndWait(&Contender->Lock, Contender);
    InterlockedIncrement(&Contender->Ended);
}

TEST(RemovalWaitsForItsOnlyHolder)
{
    CONTENDER Contender;

    IoInitializeRemoveLock(&Contender.Lock, TEST_TAG, 0, 0);
    EXPECT_EQ(IoAcquireRemoveLock(&Contender.Lock, &Contender), STATUS_SUCCESS);
    StartContender(&Contender, Remove);
    IoReleaseRemoveLock(&Contender.Lock, &Contender);
    JoinContender(&Contender);
}

static VOID NTAPI Acquire(PVOID Context)
{
    PCONTENDER Contender = Context;

    KeSetEvent(&Contender->Began, IO_NO_INCREMENT, FALSE);
    ExAcquireFastMutex(&Contender->Mutex);
    InterlockedIncrement(&Contender->Ended);
    ExReleaseFastMutex(&Contender->Mutex);
}

TEST(FastMutexIsHandedToItsOnlyWaiter)
{
    CONTENDER Contender;

    ExInitializeFastMutex(&Contender.Mutex);
    ExAcquireFastMutex(&Contender.Mutex);
    KeInitializeEvent(&Contender.Began, NotificationEvent, FALSE);
    StartContender(&Contender, Acquire);
    ExReleaseFastMutex(&Contender.Mutex);
    JoinContender(&Contender);
}
