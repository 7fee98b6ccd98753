/*
 * Run-down protection: active, running down, run down.
 */
#include "../test.h"

TEST(AcquireSucceedsWhileActive)
{
    EX_RUNDOWN_REF Rundown;

    ExInitializeRundownProtection(&Rundown);
    EXPECT(ExAcquireRundownProtection(&Rundown));
    EXPECT(ExAcquireRundownProtection(&Rundown));
    ExReleaseRundownProtection(&Rundown);
    ExReleaseRundownProtection(&Rundown);
}

TEST(CountIsKeptInStepsOfTwo)
{
    EX_RUNDOWN_REF Rundown;

    ExInitializeRundownProtection(&Rundown);
    EXPECT_EQ(Rundown.Count, 0);
    ExAcquireRundownProtection(&Rundown);
    EXPECT_EQ(Rundown.Count, 2);
    EXPECT(ExAcquireRundownProtectionEx(&Rundown, 3));
    EXPECT_EQ(Rundown.Count, 8);
    ExReleaseRundownProtectionEx(&Rundown, 3);
    ExReleaseRundownProtection(&Rundown);
    EXPECT_EQ(Rundown.Count, 0);
}

TEST(WaitWithoutHoldersReturnsAtOnce)
{
    EX_RUNDOWN_REF Rundown;

    ExInitializeRundownProtection(&Rundown);
    ExWaitForRundownProtectionRelease(&Rundown);
    EXPECT(!ExAcquireRundownProtection(&Rundown));
}

TEST(SecondWaitReturnsAtOnce)
{
    EX_RUNDOWN_REF Rundown;

    ExInitializeRundownProtection(&Rundown);
    ExWaitForRundownProtectionRelease(&Rundown);
    ExWaitForRundownProtectionRelease(&Rundown);
    EXPECT(!ExAcquireRundownProtection(&Rundown));
}

TEST(AcquireFailsAfterRundownCompleted)
{
    EX_RUNDOWN_REF Rundown;

    ExInitializeRundownProtection(&Rundown);
    ExWaitForRundownProtectionRelease(&Rundown);
    ExRundownCompleted(&Rundown);
    EXPECT(!ExAcquireRundownProtection(&Rundown));
    EXPECT(!ExAcquireRundownProtectionEx(&Rundown, 2));
    ExWaitForRundownProtectionRelease(&Rundown);
}

TEST(ReinitializedProtectionIsActiveAgain)
{
    EX_RUNDOWN_REF Rundown;

    ExInitializeRundownProtection(&Rundown);
    ExWaitForRundownProtectionRelease(&Rundown);
    ExRundownCompleted(&Rundown);
    ExReInitializeRundownProtection(&Rundown);
    EXPECT(ExAcquireRundownProtection(&Rundown));
    ExReleaseRundownProtection(&Rundown);
}

TEST(ReinitializationWithoutCompletedWorksToo)
{
    EX_RUNDOWN_REF Rundown;

    ExInitializeRundownProtection(&Rundown);
    ExWaitForRundownProtectionRelease(&Rundown);
    ExReInitializeRundownProtection(&Rundown);
    EXPECT(ExAcquireRundownProtection(&Rundown));
    ExReleaseRundownProtection(&Rundown);
}

typedef struct _WAITER
{
    TEST_THREAD Thread;
    PEX_RUNDOWN_REF Rundown;
    volatile LONG Returned;
} WAITER;

static VOID NTAPI WaitForRundown(PVOID Context)
{
    WAITER *Waiter = Context;

    ExWaitForRundownProtectionRelease(Waiter->Rundown);
    InterlockedIncrement(&Waiter->Returned);
}

TEST(WaitBlocksNewAcquiresAndReturnsAfterTheLastRelease)
{
    EX_RUNDOWN_REF Rundown;
    WAITER Waiter;

    ExInitializeRundownProtection(&Rundown);
    ExAcquireRundownProtection(&Rundown);
    ExAcquireRundownProtection(&Rundown);
    Waiter.Rundown = &Rundown;
    Waiter.Returned = 0;
    TestStartThread(&Waiter.Thread, WaitForRundown, &Waiter);
    while (ExAcquireRundownProtection(&Rundown))
    {
        ExReleaseRundownProtection(&Rundown);
        TestSleep(1);
    }
    EXPECT_EQ(Waiter.Returned, 0);
    ExReleaseRundownProtection(&Rundown);
    TestSleep(10);
    EXPECT_EQ(Waiter.Returned, 0);
    ExReleaseRundownProtection(&Rundown);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Returned, 1);
}

TEST(CacheAwareProtectionFollowsTheSameRules)
{
    PEX_RUNDOWN_REF_CACHE_AWARE Rundown =
        ExAllocateCacheAwareRundownProtection(NonPagedPool, TEST_TAG);

    EXPECT(Rundown != NULL);
    EXPECT(ExAcquireRundownProtectionCacheAware(Rundown));
    ExReleaseRundownProtectionCacheAware(Rundown);
    ExWaitForRundownProtectionReleaseCacheAware(Rundown);
    EXPECT(!ExAcquireRundownProtectionCacheAware(Rundown));
    ExRundownCompletedCacheAware(Rundown);
    ExReInitializeRundownProtectionCacheAware(Rundown);
    EXPECT(ExAcquireRundownProtectionCacheAware(Rundown));
    ExReleaseRundownProtectionCacheAware(Rundown);
    ExFreeCacheAwareRundownProtection(Rundown);
}

TEST(WaitWaitsForASingleHolder)
{
    EX_RUNDOWN_REF Rundown;
    WAITER Waiter;

    ExInitializeRundownProtection(&Rundown);
    ExAcquireRundownProtection(&Rundown);
    Waiter.Rundown = &Rundown;
    Waiter.Returned = 0;
    TestStartThread(&Waiter.Thread, WaitForRundown, &Waiter);
    TestSleep(10);
    EXPECT_EQ(Waiter.Returned, 0);
    ExReleaseRundownProtection(&Rundown);
    TestJoinThread(&Waiter.Thread);
    EXPECT_EQ(Waiter.Returned, 1);
}
