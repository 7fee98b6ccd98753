/*
 * The two APC-disable counts as a driver can see them: KeAreApcsDisabled and KeAreAllApcsDisabled
 * in every state that acquires or enters something.
 */
#include "../test.h"

static VOID ExpectDisabled(BOOLEAN Normal, BOOLEAN All, ULONG Line)
{
    TestExpectEqual(!!KeAreApcsDisabled(), Normal, "KeAreApcsDisabled()", __FILE__, Line);
    TestExpectEqual(!!KeAreAllApcsDisabled(), All, "KeAreAllApcsDisabled()", __FILE__, Line);
}
#define EXPECT_DISABLED(normal, all) ExpectDisabled(normal, all, __LINE__)

TEST(ApcsAreEnabledInDriverEntry)
{
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(CriticalRegionDisablesNormalApcs)
{
    KeEnterCriticalRegion();
    EXPECT_DISABLED(TRUE, FALSE);
    KeLeaveCriticalRegion();
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(CriticalRegionsNest)
{
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    KeLeaveCriticalRegion();
    EXPECT_DISABLED(TRUE, FALSE);
    KeLeaveCriticalRegion();
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(FileSystemRegionIsACriticalRegion)
{
    FsRtlEnterFileSystem();
    EXPECT_DISABLED(TRUE, FALSE);
    FsRtlExitFileSystem();
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(GuardedRegionDisablesAllApcs)
{
    KeEnterGuardedRegion();
    EXPECT_DISABLED(TRUE, TRUE);
    KeLeaveGuardedRegion();
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(GuardedRegionsNest)
{
    KeEnterGuardedRegion();
    KeEnterGuardedRegion();
    KeLeaveGuardedRegion();
    EXPECT_DISABLED(TRUE, TRUE);
    KeLeaveGuardedRegion();
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(ApcLevelDisablesAllApcsButIsNotARegion)
{
    KIRQL Irql;

    KeRaiseIrql(APC_LEVEL, &Irql);
    EXPECT_DISABLED(FALSE, TRUE);
    KeLowerIrql(Irql);
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(DispatchLevelDisablesAllApcsButIsNotARegion)
{
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    EXPECT_DISABLED(FALSE, TRUE);
    KeLowerIrql(Irql);
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(OwningAMutexIsACriticalRegion)
{
    KMUTEX Mutex;

    KeInitializeMutex(&Mutex, 0);
    TestWait(&Mutex);
    EXPECT_DISABLED(TRUE, FALSE);
    TestWait(&Mutex);
    KeReleaseMutex(&Mutex, FALSE);
    EXPECT_DISABLED(TRUE, FALSE);
    KeReleaseMutex(&Mutex, FALSE);
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(AFailedTryForAMutexLeavesApcsEnabled)
{
    KMUTEX Mutex;
    KEVENT Never;
    PVOID Objects[2];
    LARGE_INTEGER Zero = {{0, 0}};

    KeInitializeMutex(&Mutex, 0);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    Objects[0] = &Mutex;
    Objects[1] = &Never;
    EXPECT_EQ(KeWaitForMultipleObjects(2, Objects, WaitAll, Executive, KernelMode, FALSE, &Zero, NULL),
              STATUS_TIMEOUT);
    EXPECT_DISABLED(FALSE, FALSE);
    EXPECT_EQ(KeReadStateMutex(&Mutex), 1);
}

TEST(FastMutexRaisesToApcLevelAndReleaseRestores)
{
    FAST_MUTEX Mutex;

    ExInitializeFastMutex(&Mutex);
    ExAcquireFastMutex(&Mutex);
    EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
    EXPECT_DISABLED(FALSE, TRUE);
    ExReleaseFastMutex(&Mutex);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(FastMutexReleaseRestoresTheIrqlOfItsAcquire)
{
    FAST_MUTEX Outer, Inner;

    ExInitializeFastMutex(&Outer);
    ExInitializeFastMutex(&Inner);
    ExAcquireFastMutex(&Outer);
    ExAcquireFastMutex(&Inner);
    ExReleaseFastMutex(&Inner);
    EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
    ExReleaseFastMutex(&Outer);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(UnsafeFastMutexChangesNothing)
{
    FAST_MUTEX Mutex;

    ExInitializeFastMutex(&Mutex);
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Mutex);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_DISABLED(TRUE, FALSE);
    ExReleaseFastMutexUnsafe(&Mutex);
    EXPECT_DISABLED(TRUE, FALSE);
    KeLeaveCriticalRegion();
}

TEST(TryingAHeldFastMutexFailsAndRestoresTheIrql)
{
    FAST_MUTEX Mutex;

    ExInitializeFastMutex(&Mutex);
    EXPECT(ExTryToAcquireFastMutex(&Mutex));
    EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
    EXPECT(!ExTryToAcquireFastMutex(&Mutex));
    EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
    ExReleaseFastMutex(&Mutex);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(GuardedMutexDisablesAllApcs)
{
    KGUARDED_MUTEX Mutex;

    KeInitializeGuardedMutex(&Mutex);
    KeAcquireGuardedMutex(&Mutex);
    EXPECT(KeAreAllApcsDisabled());
    KeReleaseGuardedMutex(&Mutex);
    EXPECT_DISABLED(FALSE, FALSE);
}

TEST(TryingAHeldGuardedMutexFailsAndLeavesApcsAsTheyWere)
{
    KGUARDED_MUTEX Mutex;

    KeInitializeGuardedMutex(&Mutex);
    EXPECT(KeTryToAcquireGuardedMutex(&Mutex));
    EXPECT(!KeTryToAcquireGuardedMutex(&Mutex));
    KeReleaseGuardedMutex(&Mutex);
    EXPECT_DISABLED(FALSE, FALSE);
}

static VOID NTAPI FreshThread(PVOID Context)
{
    volatile ULONG *Seen = Context;

    Seen[0] = KeAreApcsDisabled();
    Seen[1] = KeAreAllApcsDisabled();
    Seen[2] = KeGetCurrentIrql();
}

TEST(SystemThreadStartsWithApcsEnabledAtPassiveLevel)
{
    TEST_THREAD Thread;
    volatile ULONG Seen[3] = {9, 9, 9};

    TestStartThread(&Thread, FreshThread, (PVOID)Seen);
    TestJoinThread(&Thread);
    EXPECT_EQ(Seen[0], 0);
    EXPECT_EQ(Seen[1], 0);
    EXPECT_EQ(Seen[2], PASSIVE_LEVEL);
}
