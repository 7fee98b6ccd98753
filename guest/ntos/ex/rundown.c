/*
 * Run-down protection (nt-semantics section 6). Bit 0 of the word says that run-down is active. While it is clear
 * the rest counts grants in steps of 2; once a waiter has come the rest is the address of the waiter's block, which
 * holds the count that is left; 1 alone means run down.
 *
 * Nothing here notices misuse, as nothing in NT does: a release too many wraps the count and shows as a wait that
 * never ends. A second waiter, which is undocumented, waits as well: both are released by the last grant.
 *
 * Grants and releases commute with each other as long as nobody waits, so they are NOLOG and declare that they count; once
 * run-down is active they only look.
 */
#include "guest/include/exp.h"

typedef struct _EXP_RUNDOWN_WAIT
{
    ULONG_PTR Count; /* grants left, in ones; kept by the newest waiter */
    struct _EXP_RUNDOWN_WAIT *Older;
    KEVENT Released;
} EXP_RUNDOWN_WAIT;

static EXP_RUNDOWN_WAIT *ExpRundownWaiter(PEX_RUNDOWN_REF RunRef)
{
    return (EXP_RUNDOWN_WAIT *)(RunRef->Count & ~(ULONG_PTR)EX_RUNDOWN_ACTIVE);
}

static NOLOG VOID ExpTouchGrants(PEX_RUNDOWN_REF RunRef, ULONG_PTR Value)
{
    if (Value & EX_RUNDOWN_ACTIVE)
    {
        RdTouch(RunRef, sizeof(*RunRef), FALSE);
    }
    else
    {
        RdTouchCount(RunRef, sizeof(*RunRef));
    }
}

NTEXPORT(ExInitializeRundownProtection, APC_LEVEL, "rundown");
VOID FASTCALL ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    RunRef->Count = 0;
}

NTEXPORT(ExReInitializeRundownProtection, APC_LEVEL, "rundown");
VOID FASTCALL ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    RunRef->Count = 0;
}

/* FALSE: run-down has begun. */
static NOLOG BOOLEAN ExpGrant(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ULONG_PTR Value = RunRef->Count;

    if (!(Value & EX_RUNDOWN_ACTIVE))
    {
        RunRef->Count = Value + (ULONG_PTR)Count * EX_RUNDOWN_COUNT_INC;
    }
    ExpTouchGrants(RunRef, Value);
    return !(Value & EX_RUNDOWN_ACTIVE);
}

/* FALSE: somebody waits for this release. */
static NOLOG BOOLEAN ExpReturnGrant(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ULONG_PTR Value = RunRef->Count;

    if (!(Value & EX_RUNDOWN_ACTIVE))
    {
        RunRef->Count = Value - (ULONG_PTR)Count * EX_RUNDOWN_COUNT_INC;
    }
    ExpTouchGrants(RunRef, Value);
    return !(Value & EX_RUNDOWN_ACTIVE);
}

NTEXPORT(ExAcquireRundownProtectionEx, DISPATCH_LEVEL, "rundown");
BOOLEAN FASTCALL ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    return ExpGrant(RunRef, Count);
}

NTEXPORT(ExAcquireRundownProtection, DISPATCH_LEVEL, "rundown");
BOOLEAN FASTCALL ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    return ExpGrant(RunRef, 1);
}

/* The waiter's block lives on its stack; it is gone once the waiter has been woken. */
static VOID ExpReleaseToWaiter(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    EXP_RUNDOWN_WAIT *Waiter = ExpRundownWaiter(RunRef);

    if (Waiter == NULL)
    {
        return;
    }
    Waiter->Count -= Count;
    if (Waiter->Count == 0)
    {
        while (Waiter != NULL)
        {
            EXP_RUNDOWN_WAIT *Older = Waiter->Older;
            KeSetEvent(&Waiter->Released, 0, FALSE);
            Waiter = Older;
        }
    }
}

NTEXPORT(ExReleaseRundownProtectionEx, DISPATCH_LEVEL, "rundown");
VOID FASTCALL ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    if (!ExpReturnGrant(RunRef, Count))
    {
        ExpReleaseToWaiter(RunRef, Count);
    }
}

NTEXPORT(ExReleaseRundownProtection, DISPATCH_LEVEL, "rundown");
VOID FASTCALL ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    ExReleaseRundownProtectionEx(RunRef, 1);
}

NTEXPORT(ExWaitForRundownProtectionRelease, APC_LEVEL, "rundown");
VOID FASTCALL ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    EXP_RUNDOWN_WAIT Wait;
    ULONG_PTR Value = RunRef->Count;

    if (Value == EX_RUNDOWN_ACTIVE)
    {
        return;
    }
    if (Value == 0)
    {
        RunRef->Count = EX_RUNDOWN_ACTIVE;
        return;
    }
    KeInitializeEvent(&Wait.Released, NotificationEvent, FALSE);
    Wait.Older = Value & EX_RUNDOWN_ACTIVE ? ExpRundownWaiter(RunRef) : NULL;
    Wait.Count = Wait.Older != NULL ? Wait.Older->Count : Value >> EX_RUNDOWN_COUNT_SHIFT;
    RunRef->Count = (ULONG_PTR)&Wait | EX_RUNDOWN_ACTIVE;
    KiNameWait(RunRef, RD_WAIT_RUNDOWN, NULL);
    KeWaitForSingleObject(&Wait.Released, WrRundown, KernelMode, FALSE, NULL);
    RunRef->Count = EX_RUNDOWN_ACTIVE;
}

NTEXPORT(ExRundownCompleted, APC_LEVEL, "rundown");
VOID FASTCALL ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    RunRef->Count = EX_RUNDOWN_ACTIVE;
}

/* The cache-aware family spreads one count over processors for speed. Here one word does: what a driver can
 * observe is the same, and the size says so. */

typedef struct _EX_RUNDOWN_REF_CACHE_AWARE
{
    EX_RUNDOWN_REF Reference;
    ULONG64 FromPool;
} EX_RUNDOWN_REF_CACHE_AWARE;

NTEXPORT(ExSizeOfRundownProtectionCacheAware, ANY_LEVEL, "rundown");
SIZE_T NTAPI ExSizeOfRundownProtectionCacheAware(VOID)
{
    return sizeof(EX_RUNDOWN_REF_CACHE_AWARE);
}

NTEXPORT(ExInitializeRundownProtectionCacheAware, APC_LEVEL, "rundown");
VOID NTAPI ExInitializeRundownProtectionCacheAware(
    PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware, SIZE_T RunRefSize)
{
    RunRefCacheAware->Reference.Count = 0;
    RunRefCacheAware->FromPool = FALSE;
}

NTEXPORT(ExAllocateCacheAwareRundownProtection, APC_LEVEL, "rundown pool");
PEX_RUNDOWN_REF_CACHE_AWARE NTAPI ExAllocateCacheAwareRundownProtection(
    POOL_TYPE PoolType, ULONG PoolTag)
{
    PEX_RUNDOWN_REF_CACHE_AWARE RunRef =
        ExAllocatePoolWithTag(PoolType, sizeof(EX_RUNDOWN_REF_CACHE_AWARE), PoolTag);

    if (RunRef != NULL)
    {
        RunRef->Reference.Count = 0;
        RunRef->FromPool = TRUE;
    }
    return RunRef;
}

NTEXPORT(ExFreeCacheAwareRundownProtection, APC_LEVEL, "rundown pool");
VOID NTAPI ExFreeCacheAwareRundownProtection(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    if (RunRefCacheAware->FromPool)
    {
        ExFreePool(RunRefCacheAware);
    }
}

NTEXPORT(ExAcquireRundownProtectionCacheAware, DISPATCH_LEVEL, "rundown");
BOOLEAN FASTCALL ExAcquireRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRef)
{
    return ExAcquireRundownProtectionEx(&RunRef->Reference, 1);
}

NTEXPORT(ExAcquireRundownProtectionCacheAwareEx, DISPATCH_LEVEL, "rundown");
BOOLEAN FASTCALL ExAcquireRundownProtectionCacheAwareEx(
    PEX_RUNDOWN_REF_CACHE_AWARE RunRef, ULONG Count)
{
    return ExAcquireRundownProtectionEx(&RunRef->Reference, Count);
}

NTEXPORT(ExReleaseRundownProtectionCacheAware, DISPATCH_LEVEL, "rundown");
VOID FASTCALL ExReleaseRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRef)
{
    ExReleaseRundownProtectionEx(&RunRef->Reference, 1);
}

NTEXPORT(ExReleaseRundownProtectionCacheAwareEx, DISPATCH_LEVEL, "rundown");
VOID FASTCALL ExReleaseRundownProtectionCacheAwareEx(
    PEX_RUNDOWN_REF_CACHE_AWARE RunRef, ULONG Count)
{
    ExReleaseRundownProtectionEx(&RunRef->Reference, Count);
}

NTEXPORT(ExWaitForRundownProtectionReleaseCacheAware, APC_LEVEL, "rundown");
VOID FASTCALL ExWaitForRundownProtectionReleaseCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRef)
{
    ExWaitForRundownProtectionRelease(&RunRef->Reference);
}

NTEXPORT(ExReInitializeRundownProtectionCacheAware, APC_LEVEL, "rundown");
VOID FASTCALL ExReInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRef)
{
    ExReInitializeRundownProtection(&RunRef->Reference);
}

NTEXPORT(ExRundownCompletedCacheAware, APC_LEVEL, "rundown");
VOID FASTCALL ExRundownCompletedCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRef)
{
    ExRundownCompleted(&RunRef->Reference);
}
