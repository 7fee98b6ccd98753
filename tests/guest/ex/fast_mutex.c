/*
 * Fast and guarded mutexes between threads.
 */
#include "../test.h"

typedef struct _SHARED
{
    FAST_MUTEX Fast;
    KGUARDED_MUTEX Guarded;
    volatile LONG Inside, Overlaps, Rounds;
} SHARED;

static VOID Visit(SHARED *Shared)
{
    if (InterlockedIncrement(&Shared->Inside) != 1)
    {
        InterlockedIncrement(&Shared->Overlaps);
    }
    Shared->Rounds++;
    InterlockedDecrement(&Shared->Inside);
}

static VOID NTAPI VisitFast(PVOID Context)
{
    SHARED *Shared = Context;
    ULONG Round;

    for (Round = 0; Round < 20; Round++)
    {
        ExAcquireFastMutex(&Shared->Fast);
        Visit(Shared);
        ExReleaseFastMutex(&Shared->Fast);
    }
}

static VOID NTAPI VisitGuarded(PVOID Context)
{
    SHARED *Shared = Context;
    ULONG Round;

    for (Round = 0; Round < 20; Round++)
    {
        KeAcquireGuardedMutex(&Shared->Guarded);
        Visit(Shared);
        KeReleaseGuardedMutex(&Shared->Guarded);
    }
}

static VOID RunThree(SHARED *Shared, PKSTART_ROUTINE Routine)
{
    TEST_THREAD Threads[3];
    ULONG Index;

    RtlZeroMemory(Shared, sizeof(*Shared));
    ExInitializeFastMutex(&Shared->Fast);
    KeInitializeGuardedMutex(&Shared->Guarded);
    for (Index = 0; Index < 3; Index++)
    {
        TestStartThread(&Threads[Index], Routine, Shared);
    }
    for (Index = 0; Index < 3; Index++)
    {
        TestJoinThread(&Threads[Index]);
    }
}

TEST(FastMutexExcludesOtherThreads)
{
    SHARED Shared;

    RunThree(&Shared, VisitFast);
    EXPECT_EQ(Shared.Overlaps, 0);
    EXPECT_EQ(Shared.Rounds, 60);
}

TEST(GuardedMutexExcludesOtherThreads)
{
    SHARED Shared;

    RunThree(&Shared, VisitGuarded);
    EXPECT_EQ(Shared.Overlaps, 0);
    EXPECT_EQ(Shared.Rounds, 60);
}

static VOID NTAPI TryFast(PVOID Context)
{
    SHARED *Shared = Context;

    if (ExTryToAcquireFastMutex(&Shared->Fast))
    {
        Shared->Rounds = 1;
        ExReleaseFastMutex(&Shared->Fast);
    }
}

TEST(TryFromAnotherThreadFailsWhileHeldAndSucceedsAfterwards)
{
    SHARED Shared;
    TEST_THREAD Thread;

    RtlZeroMemory(&Shared, sizeof(Shared));
    ExInitializeFastMutex(&Shared.Fast);
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Shared.Fast);
    TestStartThread(&Thread, TryFast, &Shared);
    TestJoinThread(&Thread);
    EXPECT_EQ(Shared.Rounds, 0);
    ExReleaseFastMutexUnsafe(&Shared.Fast);
    KeLeaveCriticalRegion();
    TestStartThread(&Thread, TryFast, &Shared);
    TestJoinThread(&Thread);
    EXPECT_EQ(Shared.Rounds, 1);
}

static VOID NTAPI TakeFast(PVOID Context)
{
    SHARED *Shared = Context;

    ExAcquireFastMutex(&Shared->Fast);
    Shared->Rounds++;
    ExReleaseFastMutex(&Shared->Fast);
}

static VOID ReleaseToWaiters(ULONG Count)
{
    SHARED Shared;
    TEST_THREAD Threads[2];
    ULONG Index;

    RtlZeroMemory(&Shared, sizeof(Shared));
    ExInitializeFastMutex(&Shared.Fast);
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Shared.Fast);
    for (Index = 0; Index < Count; Index++)
    {
        TestStartThread(&Threads[Index], TakeFast, &Shared);
    }
    TestSleep(10);
    EXPECT_EQ(Shared.Rounds, 0);
    ExReleaseFastMutexUnsafe(&Shared.Fast);
    KeLeaveCriticalRegion();
    for (Index = 0; Index < Count; Index++)
    {
        TestJoinThread(&Threads[Index]);
    }
    EXPECT_EQ(Shared.Rounds, Count);
}

TEST(ReleaseLetsASingleWaiterIn)
{
    ReleaseToWaiters(1);
}

TEST(ReleaseLetsEveryWaiterInOneAfterTheOther)
{
    ReleaseToWaiters(2);
}
