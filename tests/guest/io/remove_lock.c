/*
 * Remove locks.
 */
#include "../test.h"

static PIO_REMOVE_LOCK NewLock(VOID)
{
    PIO_REMOVE_LOCK Lock = TestAllocate(sizeof(*Lock));

    IoInitializeRemoveLock(Lock, TEST_TAG, 0, 0);
    return Lock;
}

TEST(AcquireSucceedsBeforeRemovalAndMayBeRepeated)
{
    PIO_REMOVE_LOCK Lock = NewLock();
    ULONG Tag;

    EXPECT_EQ(IoAcquireRemoveLock(Lock, &Tag), STATUS_SUCCESS);
    EXPECT_EQ(IoAcquireRemoveLock(Lock, &Tag), STATUS_SUCCESS);
    IoReleaseRemoveLock(Lock, &Tag);
    IoReleaseRemoveLock(Lock, &Tag);
    TestFree(Lock);
}

TEST(ReleaseAndWaitReturnsWhenOnlyTheCallerHoldsTheLock)
{
    PIO_REMOVE_LOCK Lock = NewLock();
    ULONG Tag;

    EXPECT_EQ(IoAcquireRemoveLock(Lock, &Tag), STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(Lock, &Tag);
    EXPECT(Lock->Common.Removed);
    TestFree(Lock);
}

TEST(AcquireAfterRemovalFailsWithDeletePending)
{
    PIO_REMOVE_LOCK Lock = NewLock();
    ULONG Tag;

    EXPECT_EQ(IoAcquireRemoveLock(Lock, &Tag), STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(Lock, &Tag);
    EXPECT_EQ(IoAcquireRemoveLock(Lock, &Tag), STATUS_DELETE_PENDING);
    EXPECT_EQ(IoAcquireRemoveLock(Lock, &Tag), STATUS_DELETE_PENDING);
    TestFree(Lock);
}

TEST(AcquireAndReleaseAreAllowedAtDispatchLevel)
{
    PIO_REMOVE_LOCK Lock = NewLock();
    ULONG Tag;
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    EXPECT_EQ(IoAcquireRemoveLock(Lock, &Tag), STATUS_SUCCESS);
    IoReleaseRemoveLock(Lock, &Tag);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(Irql);
    TestFree(Lock);
}

typedef struct _REMOVER
{
    TEST_THREAD Thread;
    PIO_REMOVE_LOCK Lock;
    volatile LONG Removed;
} REMOVER;

static VOID NTAPI Remove(PVOID Context)
{
    REMOVER *Remover = Context;

    EXPECT_EQ(IoAcquireRemoveLock(Remover->Lock, Remover), STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(Remover->Lock, Remover);
    InterlockedIncrement(&Remover->Removed);
}

TEST(ReleaseAndWaitWaitsForEveryHolder)
{
    PIO_REMOVE_LOCK Lock = NewLock();
    REMOVER Remover;
    ULONG First, Second, Probe;

    IoAcquireRemoveLock(Lock, &First);
    IoAcquireRemoveLock(Lock, &Second);
    Remover.Lock = Lock;
    Remover.Removed = 0;
    TestStartThread(&Remover.Thread, Remove, &Remover);
    while (IoAcquireRemoveLock(Lock, &Probe) == STATUS_SUCCESS)
    {
        IoReleaseRemoveLock(Lock, &Probe);
        TestSleep(1);
    }
    EXPECT_EQ(Remover.Removed, 0);
    IoReleaseRemoveLock(Lock, &First);
    TestSleep(10);
    EXPECT_EQ(Remover.Removed, 0);
    IoReleaseRemoveLock(Lock, &Second);
    TestJoinThread(&Remover.Thread);
    EXPECT_EQ(Remover.Removed, 1);
    TestFree(Lock);
}

TEST(ReleaseAndWaitWaitsForASingleHolder)
{
    PIO_REMOVE_LOCK Lock = NewLock();
    REMOVER Remover;
    ULONG Tag;

    IoAcquireRemoveLock(Lock, &Tag);
    Remover.Lock = Lock;
    Remover.Removed = 0;
    TestStartThread(&Remover.Thread, Remove, &Remover);
    TestSleep(10);
    EXPECT_EQ(Remover.Removed, 0);
    IoReleaseRemoveLock(Lock, &Tag);
    TestJoinThread(&Remover.Thread);
    EXPECT_EQ(Remover.Removed, 1);
    TestFree(Lock);
}
