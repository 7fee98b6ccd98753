/*
 * Spin locks. A held lock contains its holder's KTHREAD with bit 0 set, so that a hang report can say who holds
 * what. Waiting hands the processor back to the machine until the lock's word changes: nothing spins.
 */
#include "guest/include/ki.h"

static VOID KiAcquire(PKSPIN_LOCK SpinLock)
{
    ULONG_PTR Holder = (ULONG_PTR)KiCurrentThread() | 1;

    while (*(volatile KSPIN_LOCK *)SpinLock != 0)
    {
        ULONG_PTR Other = *(volatile KSPIN_LOCK *)SpinLock;
        if (Other == Holder)
        {
            KeBugCheckEx(RDBC_SPIN_LOCK_ALREADY_OWNED, RD_ADDRESS(SpinLock), 0, 0, 0);
        }
        RdSpin(SpinLock, sizeof(*SpinLock), Other & ~1ull);
    }
    *(volatile KSPIN_LOCK *)SpinLock = Holder;
}

static BOOLEAN KiTryToAcquire(PKSPIN_LOCK SpinLock)
{
    if (*(volatile KSPIN_LOCK *)SpinLock != 0)
    {
        return FALSE;
    }
    *(volatile KSPIN_LOCK *)SpinLock = (ULONG_PTR)KiCurrentThread() | 1;
    return TRUE;
}

static VOID KiRelease(PKSPIN_LOCK SpinLock)
{
    if (*(volatile KSPIN_LOCK *)SpinLock == 0)
    {
        KeBugCheckEx(RDBC_SPIN_LOCK_NOT_OWNED, RD_ADDRESS(SpinLock), 0, 0, 0);
    }
    *(volatile KSPIN_LOCK *)SpinLock = 0;
}

#undef KeInitializeSpinLock
NTEXPORT(KeInitializeSpinLock, ANY_LEVEL, "spinlock");
VOID NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
    *SpinLock = 0;
}

#undef KeAcquireSpinLock
NTEXPORT(KeAcquireSpinLock, DISPATCH_LEVEL, "spinlock");
VOID NTAPI KeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql)
{
    *OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    KiAcquire(SpinLock);
}

NTEXPORT(KeAcquireSpinLockRaiseToDpc, DISPATCH_LEVEL, "spinlock");
KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    KiAcquire(SpinLock);
    return OldIrql;
}

NTEXPORT(KeAcquireSpinLockRaiseToSynch, DISPATCH_LEVEL, "spinlock");
KIRQL NTAPI KeAcquireSpinLockRaiseToSynch(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KiRaiseIrql(12);

    KiAcquire(SpinLock);
    return OldIrql;
}

NTEXPORT(KeReleaseSpinLock, DISPATCH_LEVEL, "spinlock");
VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    KiRelease(SpinLock);
    __writecr8(NewIrql);
}

NTEXPORT(KeAcquireSpinLockAtDpcLevel, ANY_LEVEL, "spinlock");
VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    KiAcquire(SpinLock);
}

NTEXPORT(KeReleaseSpinLockFromDpcLevel, ANY_LEVEL, "spinlock");
VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    KiRelease(SpinLock);
}

NTEXPORT(KeTryToAcquireSpinLockAtDpcLevel, ANY_LEVEL, "spinlock");
BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    return KiTryToAcquire(SpinLock);
}

NTEXPORT(KeTestSpinLock, ANY_LEVEL, "spinlock");
BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    return *(volatile KSPIN_LOCK *)SpinLock == 0;
}

/* From a DPC routine or from anywhere: raises only when it must. */
NTEXPORT(KeAcquireSpinLockForDpc, DISPATCH_LEVEL, "spinlock");
KIRQL NTAPI KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KeGetCurrentIrql();

    if (OldIrql < DISPATCH_LEVEL)
    {
        KiRaiseIrql(DISPATCH_LEVEL);
    }
    KiAcquire(SpinLock);
    return OldIrql;
}

NTEXPORT(KeReleaseSpinLockForDpc, DISPATCH_LEVEL, "spinlock");
VOID NTAPI KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    KiRelease(SpinLock);
    __writecr8(OldIrql);
}

/* In-stack queued locks: the handle remembers lock and IRQL; who comes next is the explorer's choice. */

NTEXPORT(KeAcquireInStackQueuedSpinLock, DISPATCH_LEVEL, "spinlock");
VOID FASTCALL KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LockHandle->LockQueue.Next = NULL;
    LockHandle->LockQueue.Lock = SpinLock;
    KiAcquire(SpinLock);
}

NTEXPORT(KeReleaseInStackQueuedSpinLock, DISPATCH_LEVEL, "spinlock");
VOID FASTCALL KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KiRelease(LockHandle->LockQueue.Lock);
    __writecr8(LockHandle->OldIrql);
}

NTEXPORT(KeAcquireInStackQueuedSpinLockAtDpcLevel, ANY_LEVEL, "spinlock");
VOID FASTCALL KeAcquireInStackQueuedSpinLockAtDpcLevel(
    PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->LockQueue.Next = NULL;
    LockHandle->LockQueue.Lock = SpinLock;
    KiAcquire(SpinLock);
}

NTEXPORT(KeReleaseInStackQueuedSpinLockFromDpcLevel, ANY_LEVEL, "spinlock");
VOID FASTCALL KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KiRelease(LockHandle->LockQueue.Lock);
}

NTEXPORT(KeAcquireInStackQueuedSpinLockForDpc, DISPATCH_LEVEL, "spinlock");
VOID FASTCALL KeAcquireInStackQueuedSpinLockForDpc(
    PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->LockQueue.Next = NULL;
    LockHandle->LockQueue.Lock = SpinLock;
    LockHandle->OldIrql = KeAcquireSpinLockForDpc(SpinLock);
}

NTEXPORT(KeReleaseInStackQueuedSpinLockForDpc, DISPATCH_LEVEL, "spinlock");
VOID FASTCALL KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KiRelease(LockHandle->LockQueue.Lock);
    __writecr8(LockHandle->OldIrql);
}

/* Executive spin locks: shared by readers, or exclusive. Low 31 bits count readers, the top bit is a writer. */

#define KI_EX_WRITER 0x80000000u

NTEXPORT(ExAcquireSpinLockExclusiveAtDpcLevel, ANY_LEVEL, "spinlock");
VOID NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(volatile LONG *SpinLock)
{
    while (*SpinLock != 0)
    {
        RdSpin(SpinLock, sizeof(*SpinLock), 0);
    }
    *SpinLock = (LONG)KI_EX_WRITER;
}

NTEXPORT(ExReleaseSpinLockExclusiveFromDpcLevel, ANY_LEVEL, "spinlock");
VOID NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(volatile LONG *SpinLock)
{
    if ((ULONG)*SpinLock != KI_EX_WRITER)
    {
        KeBugCheckEx(RDBC_SPIN_LOCK_NOT_OWNED, RD_ADDRESS(SpinLock), 0, 0, 0);
    }
    *SpinLock = 0;
}

NTEXPORT(ExAcquireSpinLockSharedAtDpcLevel, ANY_LEVEL, "spinlock");
VOID NTAPI ExAcquireSpinLockSharedAtDpcLevel(volatile LONG *SpinLock)
{
    while (*SpinLock < 0)
    {
        RdSpin(SpinLock, sizeof(*SpinLock), 0);
    }
    *SpinLock = *SpinLock + 1;
}

NTEXPORT(ExReleaseSpinLockSharedFromDpcLevel, ANY_LEVEL, "spinlock");
VOID NTAPI ExReleaseSpinLockSharedFromDpcLevel(volatile LONG *SpinLock)
{
    if (*SpinLock <= 0)
    {
        KeBugCheckEx(RDBC_SPIN_LOCK_NOT_OWNED, RD_ADDRESS(SpinLock), 0, 0, 0);
    }
    *SpinLock = *SpinLock - 1;
}

NTEXPORT(ExAcquireSpinLockExclusive, DISPATCH_LEVEL, "spinlock");
KIRQL NTAPI ExAcquireSpinLockExclusive(volatile LONG *SpinLock)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    ExAcquireSpinLockExclusiveAtDpcLevel(SpinLock);
    return OldIrql;
}

NTEXPORT(ExReleaseSpinLockExclusive, DISPATCH_LEVEL, "spinlock");
VOID NTAPI ExReleaseSpinLockExclusive(volatile LONG *SpinLock, KIRQL OldIrql)
{
    ExReleaseSpinLockExclusiveFromDpcLevel(SpinLock);
    __writecr8(OldIrql);
}

NTEXPORT(ExAcquireSpinLockShared, DISPATCH_LEVEL, "spinlock");
KIRQL NTAPI ExAcquireSpinLockShared(volatile LONG *SpinLock)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    ExAcquireSpinLockSharedAtDpcLevel(SpinLock);
    return OldIrql;
}

NTEXPORT(ExReleaseSpinLockShared, DISPATCH_LEVEL, "spinlock");
VOID NTAPI ExReleaseSpinLockShared(volatile LONG *SpinLock, KIRQL OldIrql)
{
    ExReleaseSpinLockSharedFromDpcLevel(SpinLock);
    __writecr8(OldIrql);
}

NTEXPORT(ExTryConvertSharedSpinLockExclusive, ANY_LEVEL, "spinlock");
LOGICAL NTAPI ExTryConvertSharedSpinLockExclusive(volatile LONG *SpinLock)
{
    if (*SpinLock != 1)
    {
        return FALSE;
    }
    *SpinLock = (LONG)KI_EX_WRITER;
    return TRUE;
}

/* HAL names that 64-bit drivers built against old headers still import. */

#undef KfAcquireSpinLock
NTEXPORT(KfAcquireSpinLock, DISPATCH_LEVEL, "spinlock");
KIRQL FASTCALL KfAcquireSpinLock(PKSPIN_LOCK SpinLock)
{
    return KeAcquireSpinLockRaiseToDpc(SpinLock);
}

#undef KfReleaseSpinLock
NTEXPORT(KfReleaseSpinLock, DISPATCH_LEVEL, "spinlock");
VOID FASTCALL KfReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    KeReleaseSpinLock(SpinLock, NewIrql);
}
