/*
 * IRQLs and spin locks.
 */
#include "../test.h"

TEST(RaiseReturnsTheOldIrqlAndLowerRestoresIt)
{
    KIRQL First, Second;

    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    KeRaiseIrql(APC_LEVEL, &First);
    EXPECT_EQ(First, PASSIVE_LEVEL);
    KeRaiseIrql(DISPATCH_LEVEL, &Second);
    EXPECT_EQ(Second, APC_LEVEL);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(Second);
    EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
    KeLowerIrql(First);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(SpinLockRaisesToDispatchLevel)
{
    KSPIN_LOCK Lock;
    KIRQL Irql;

    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLock(&Lock, &Irql);
    EXPECT_EQ(Irql, PASSIVE_LEVEL);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseSpinLock(&Lock, Irql);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(SpinLocksNest)
{
    KSPIN_LOCK Outer, Inner;
    KIRQL OuterIrql, InnerIrql;

    KeInitializeSpinLock(&Outer);
    KeInitializeSpinLock(&Inner);
    KeAcquireSpinLock(&Outer, &OuterIrql);
    KeAcquireSpinLock(&Inner, &InnerIrql);
    EXPECT_EQ(InnerIrql, DISPATCH_LEVEL);
    KeReleaseSpinLock(&Inner, InnerIrql);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseSpinLock(&Outer, OuterIrql);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(SpinLockAtDpcLevelLeavesTheIrql)
{
    KSPIN_LOCK Lock;
    KIRQL Irql;

    KeInitializeSpinLock(&Lock);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseSpinLockFromDpcLevel(&Lock);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(Irql);
}

TEST(TryingAHeldSpinLockFails)
{
    KSPIN_LOCK Lock;
    KIRQL Irql;

    KeInitializeSpinLock(&Lock);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    EXPECT(KeTryToAcquireSpinLockAtDpcLevel(&Lock));
    EXPECT(!KeTryToAcquireSpinLockAtDpcLevel(&Lock));
    KeReleaseSpinLockFromDpcLevel(&Lock);
    EXPECT(KeTryToAcquireSpinLockAtDpcLevel(&Lock));
    KeReleaseSpinLockFromDpcLevel(&Lock);
    KeLowerIrql(Irql);
}

TEST(QueuedSpinLockRaisesAndRestores)
{
    KSPIN_LOCK Lock;
    KLOCK_QUEUE_HANDLE Handle;

    KeInitializeSpinLock(&Lock);
    KeAcquireInStackQueuedSpinLock(&Lock, &Handle);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseInStackQueuedSpinLock(&Handle);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

typedef struct _COUNTER
{
    KSPIN_LOCK Lock;
    ULONG Value;
} COUNTER;

static VOID NTAPI CountUnderLock(PVOID Context)
{
    COUNTER *Counter = Context;
    ULONG Round;
    KIRQL Irql;

    for (Round = 0; Round < 50; Round++)
    {
        KeAcquireSpinLock(&Counter->Lock, &Irql);
        Counter->Value++;
        KeReleaseSpinLock(&Counter->Lock, Irql);
    }
}

TEST(SpinLockExcludesOtherProcessors)
{
    COUNTER Counter;
    TEST_THREAD Threads[2];

    Counter.Value = 0;
    KeInitializeSpinLock(&Counter.Lock);
    TestStartThread(&Threads[0], CountUnderLock, &Counter);
    TestStartThread(&Threads[1], CountUnderLock, &Counter);
    TestJoinThread(&Threads[0]);
    TestJoinThread(&Threads[1]);
    EXPECT_EQ(Counter.Value, 100);
}

TEST(InterlockedOperationsReturnWhatTheirDocumentationSays)
{
    volatile LONG Value = 5;
    volatile LONG64 Wide = 5;
    PVOID volatile Pointer = NULL;

    EXPECT_EQ(InterlockedIncrement(&Value), 6);
    EXPECT_EQ(InterlockedDecrement(&Value), 5);
    EXPECT_EQ(InterlockedExchange(&Value, 9), 5);
    EXPECT_EQ(InterlockedExchangeAdd(&Value, 3), 9);
    EXPECT_EQ(InterlockedCompareExchange(&Value, 1, 12), 12);
    EXPECT_EQ(InterlockedCompareExchange(&Value, 2, 12), 1);
    EXPECT_EQ(Value, 1);
    EXPECT_EQ(InterlockedExchangeAdd64(&Wide, 1), 5);
    EXPECT_EQ(InterlockedExchangePointer(&Pointer, (PVOID)&Value), 0);
    EXPECT_EQ(InterlockedCompareExchangePointer(&Pointer, NULL, (PVOID)&Value), &Value);
    EXPECT_EQ(Pointer, 0);
}
