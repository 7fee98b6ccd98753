/*
 * Fast and guarded mutexes: one layout, two ways to keep APCs away. A fast mutex raises the IRQL to APC_LEVEL
 * and keeps the old one in itself; a guarded mutex enters a guarded region on Windows 7 and is a fast mutex from
 * Windows 8 on (nt-semantics K3 to K6). Neither is recursive: a second acquire by the owner waits for ever.
 *
 * Count is 1 when free and falls by one for each acquirer; whoever releases with acquirers waiting hands over.
 */
#include "guest/include/exp.h"

C_ASSERT(sizeof(FAST_MUTEX) == sizeof(KGUARDED_MUTEX));
C_ASSERT(FIELD_OFFSET(FAST_MUTEX, Event) == FIELD_OFFSET(KGUARDED_MUTEX, Gate));

static VOID ExpAcquire(PFAST_MUTEX Mutex, KWAIT_REASON Reason)
{
    Mutex->Count = Mutex->Count - 1;
    if (Mutex->Count != 0)
    {
        Mutex->Contention++;
        KiNameWait(Mutex, RD_WAIT_FAST_MUTEX, Mutex->Owner);
        KeWaitForSingleObject(&Mutex->Event, Reason, KernelMode, FALSE, NULL);
    }
    Mutex->Owner = KiCurrentThread();
}

static BOOLEAN ExpTryToAcquire(PFAST_MUTEX Mutex)
{
    if (Mutex->Count != 1)
    {
        return FALSE;
    }
    Mutex->Count = 0;
    Mutex->Owner = KiCurrentThread();
    return TRUE;
}

static VOID ExpRelease(PFAST_MUTEX Mutex)
{
    Mutex->Owner = NULL;
    Mutex->Count = Mutex->Count + 1;
    if (Mutex->Count <= 0)
    {
        KeSetEvent(&Mutex->Event, 1, FALSE);
    }
}

NTEXPORT(ExAcquireFastMutex, APC_LEVEL, "fastmutex");
VOID FASTCALL ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = KiRaiseIrql(APC_LEVEL);

    ExpAcquire(FastMutex, WrFastMutex);
    FastMutex->OldIrql = OldIrql;
}

NTEXPORT(ExReleaseFastMutex, APC_LEVEL, "fastmutex");
VOID FASTCALL ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = (KIRQL)FastMutex->OldIrql;

    ExpRelease(FastMutex);
    __writecr8(OldIrql);
}

NTEXPORT(ExTryToAcquireFastMutex, APC_LEVEL, "fastmutex");
BOOLEAN FASTCALL ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = KiRaiseIrql(APC_LEVEL);

    if (!ExpTryToAcquire(FastMutex))
    {
        __writecr8(OldIrql);
        return FALSE;
    }
    FastMutex->OldIrql = OldIrql;
    return TRUE;
}

NTEXPORT(ExAcquireFastMutexUnsafe, APC_LEVEL, "fastmutex");
VOID FASTCALL ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    ExpAcquire(FastMutex, WrFastMutex);
}

NTEXPORT(ExReleaseFastMutexUnsafe, APC_LEVEL, "fastmutex");
VOID FASTCALL ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    ExpRelease(FastMutex);
}

NTEXPORT(ExEnterCriticalRegionAndAcquireFastMutexUnsafe, APC_LEVEL, "fastmutex");
VOID FASTCALL ExEnterCriticalRegionAndAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    KeEnterCriticalRegion();
    ExpAcquire(FastMutex, WrFastMutex);
}

NTEXPORT(ExReleaseFastMutexUnsafeAndLeaveCriticalRegion, APC_LEVEL, "fastmutex");
VOID FASTCALL ExReleaseFastMutexUnsafeAndLeaveCriticalRegion(PFAST_MUTEX FastMutex)
{
    ExpRelease(FastMutex);
    KeLeaveCriticalRegion();
}

/* Guarded mutexes. What differs between versions is in this table, not in the routines. */

typedef struct _EXP_GUARD
{
    VOID (*Acquire)(PFAST_MUTEX Mutex);
    BOOLEAN (*TryToAcquire)(PFAST_MUTEX Mutex);
    VOID (*Release)(PFAST_MUTEX Mutex);
} EXP_GUARD;

static VOID ExpAcquireByRegion(PFAST_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    ExpAcquire(Mutex, WrGuardedMutex);
    ((PKGUARDED_MUTEX)Mutex)->SpecialApcDisable = KiCurrentThread()->SpecialApcDisable;
}

static BOOLEAN ExpTryToAcquireByRegion(PFAST_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    if (!ExpTryToAcquire(Mutex))
    {
        KeLeaveGuardedRegion();
        return FALSE;
    }
    ((PKGUARDED_MUTEX)Mutex)->SpecialApcDisable = KiCurrentThread()->SpecialApcDisable;
    return TRUE;
}

static VOID ExpReleaseByRegion(PFAST_MUTEX Mutex)
{
    ExpRelease(Mutex);
    KeLeaveGuardedRegion();
}

static VOID ExpAcquireByIrql(PFAST_MUTEX Mutex)
{
    ExAcquireFastMutex(Mutex);
}

static BOOLEAN ExpTryToAcquireByIrql(PFAST_MUTEX Mutex)
{
    return ExTryToAcquireFastMutex(Mutex);
}

static VOID ExpReleaseByIrql(PFAST_MUTEX Mutex)
{
    ExReleaseFastMutex(Mutex);
}

static const EXP_GUARD ExpGuards[] = {
    [RD_OS_WIN7] = {ExpAcquireByRegion, ExpTryToAcquireByRegion, ExpReleaseByRegion},
    [RD_OS_WIN8] = {ExpAcquireByIrql, ExpTryToAcquireByIrql, ExpReleaseByIrql},
    [RD_OS_WIN10] = {ExpAcquireByIrql, ExpTryToAcquireByIrql, ExpReleaseByIrql},
};

NTEXPORT(KeInitializeGuardedMutex, ANY_LEVEL, "guardedmutex");
VOID FASTCALL KeInitializeGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    PFAST_MUTEX Mutex = (PFAST_MUTEX)GuardedMutex;

    Mutex->Count = 1;
    Mutex->Owner = NULL;
    Mutex->Contention = 0;
    Mutex->OldIrql = 0;
    KeInitializeEvent(&Mutex->Event, SynchronizationEvent, FALSE);
}

NTEXPORT(KeAcquireGuardedMutex, APC_LEVEL, "guardedmutex");
VOID FASTCALL KeAcquireGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    ExpGuards[RdLoaderBlock->os].Acquire((PFAST_MUTEX)GuardedMutex);
}

NTEXPORT(KeReleaseGuardedMutex, APC_LEVEL, "guardedmutex");
VOID FASTCALL KeReleaseGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    ExpGuards[RdLoaderBlock->os].Release((PFAST_MUTEX)GuardedMutex);
}

NTEXPORT(KeTryToAcquireGuardedMutex, APC_LEVEL, "guardedmutex");
BOOLEAN FASTCALL KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    return ExpGuards[RdLoaderBlock->os].TryToAcquire((PFAST_MUTEX)GuardedMutex);
}

NTEXPORT(KeAcquireGuardedMutexUnsafe, APC_LEVEL, "guardedmutex");
VOID FASTCALL KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX GuardedMutex)
{
    ExpAcquire((PFAST_MUTEX)GuardedMutex, WrGuardedMutex);
}

NTEXPORT(KeReleaseGuardedMutexUnsafe, APC_LEVEL, "guardedmutex");
VOID FASTCALL KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX GuardedMutex)
{
    ExpRelease((PFAST_MUTEX)GuardedMutex);
}
