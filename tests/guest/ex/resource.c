/*
 * ERESOURCE: shared and exclusive, recursive, with normal kernel APCs disabled.
 */
#include "../test.h"

static VOID Enter(PERESOURCE Resource, BOOLEAN Exclusive)
{
    KeEnterCriticalRegion();
    if (Exclusive)
    {
        EXPECT(ExAcquireResourceExclusiveLite(Resource, TRUE));
    }
    else
    {
        EXPECT(ExAcquireResourceSharedLite(Resource, TRUE));
    }
}

static VOID Leave(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}

TEST(ExclusiveOwnerIsRecordedAndRecursive)
{
    ERESOURCE Resource;

    EXPECT_EQ(ExInitializeResourceLite(&Resource), STATUS_SUCCESS);
    Enter(&Resource, TRUE);
    EXPECT(ExIsResourceAcquiredExclusiveLite(&Resource));
    EXPECT(ExIsResourceAcquiredSharedLite(&Resource) != 0);
    Enter(&Resource, TRUE);
    Leave(&Resource);
    EXPECT(ExIsResourceAcquiredExclusiveLite(&Resource));
    Leave(&Resource);
    EXPECT(!ExIsResourceAcquiredExclusiveLite(&Resource));
    EXPECT_EQ(ExIsResourceAcquiredSharedLite(&Resource), 0);
    EXPECT_EQ(ExDeleteResourceLite(&Resource), STATUS_SUCCESS);
}

TEST(SharedOwnersAreCounted)
{
    ERESOURCE Resource;

    ExInitializeResourceLite(&Resource);
    Enter(&Resource, FALSE);
    Enter(&Resource, FALSE);
    EXPECT_EQ(ExIsResourceAcquiredSharedLite(&Resource), 2);
    EXPECT(!ExIsResourceAcquiredExclusiveLite(&Resource));
    Leave(&Resource);
    Leave(&Resource);
    ExDeleteResourceLite(&Resource);
}

TEST(ExclusiveBecomesSharedByConversion)
{
    ERESOURCE Resource;

    ExInitializeResourceLite(&Resource);
    Enter(&Resource, TRUE);
    ExConvertExclusiveToSharedLite(&Resource);
    EXPECT(!ExIsResourceAcquiredExclusiveLite(&Resource));
    EXPECT(ExIsResourceAcquiredSharedLite(&Resource) != 0);
    Leave(&Resource);
    ExDeleteResourceLite(&Resource);
}

typedef struct _OTHER
{
    PERESOURCE Resource;
    volatile LONG SharedGranted, ExclusiveGranted;
} OTHER;

static VOID NTAPI TryBoth(PVOID Context)
{
    OTHER *Other = Context;

    KeEnterCriticalRegion();
    if (ExAcquireResourceSharedLite(Other->Resource, FALSE))
    {
        Other->SharedGranted = 1;
        ExReleaseResourceLite(Other->Resource);
    }
    if (ExAcquireResourceExclusiveLite(Other->Resource, FALSE))
    {
        Other->ExclusiveGranted = 1;
        ExReleaseResourceLite(Other->Resource);
    }
    KeLeaveCriticalRegion();
}

static VOID RunOther(OTHER *Other, PERESOURCE Resource)
{
    TEST_THREAD Thread;

    Other->Resource = Resource;
    Other->SharedGranted = Other->ExclusiveGranted = 0;
    TestStartThread(&Thread, TryBoth, Other);
    TestJoinThread(&Thread);
}

TEST(ExclusiveOwnerExcludesEverybodyElse)
{
    ERESOURCE Resource;
    OTHER Other;

    ExInitializeResourceLite(&Resource);
    Enter(&Resource, TRUE);
    RunOther(&Other, &Resource);
    EXPECT_EQ(Other.SharedGranted, 0);
    EXPECT_EQ(Other.ExclusiveGranted, 0);
    Leave(&Resource);
    RunOther(&Other, &Resource);
    EXPECT_EQ(Other.ExclusiveGranted, 1);
    ExDeleteResourceLite(&Resource);
}

TEST(SharedOwnerAdmitsSharedOnly)
{
    ERESOURCE Resource;
    OTHER Other;

    ExInitializeResourceLite(&Resource);
    Enter(&Resource, FALSE);
    RunOther(&Other, &Resource);
    EXPECT_EQ(Other.SharedGranted, 1);
    EXPECT_EQ(Other.ExclusiveGranted, 0);
    Leave(&Resource);
    ExDeleteResourceLite(&Resource);
}

static VOID NTAPI TakeExclusive(PVOID Context)
{
    OTHER *Other = Context;

    Enter(Other->Resource, TRUE);
    InterlockedIncrement(&Other->ExclusiveGranted);
    Leave(Other->Resource);
}

TEST(ReleaseLetsABlockedExclusiveWaiterIn)
{
    ERESOURCE Resource;
    OTHER Other;
    TEST_THREAD Thread;

    ExInitializeResourceLite(&Resource);
    Other.Resource = &Resource;
    Other.ExclusiveGranted = 0;
    Enter(&Resource, FALSE);
    TestStartThread(&Thread, TakeExclusive, &Other);
    TestSleep(10);
    EXPECT_EQ(Other.ExclusiveGranted, 0);
    Leave(&Resource);
    TestJoinThread(&Thread);
    EXPECT_EQ(Other.ExclusiveGranted, 1);
    ExDeleteResourceLite(&Resource);
}
