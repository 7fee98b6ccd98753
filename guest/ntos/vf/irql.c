/*
 * Automatic checks of the IRQL: KeRaiseIrql and KeLowerIrql (0x30, 0x31), spin locks (0x32, 0x40 to 0x42), events (0x80), waits
 * (0x3B). On x64 the compiler inlines most raises and lowers, and import hooking does not see those (verifier.md
 * section 2 has the same gap).
 */
#include "guest/include/vf.h"

static VOID VfCheckRaise(KIRQL NewIrql)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (NewIrql < Irql || NewIrql > HIGH_LEVEL)
    {
        VerifierBugCheck(0x30, Irql, NewIrql, 0);
    }
}

static VOID VfCheckLower(KIRQL NewIrql)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (NewIrql > Irql)
    {
        VerifierBugCheck(0x31, Irql, NewIrql, 0);
    }
    if (KiCurrentPrcb()->DpcRoutineActive && NewIrql < DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x31, Irql, NewIrql, 1);
    }
}

VFTHUNK(KfRaiseIrql, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) KIRQL NTAPI VerifierKfRaiseIrql(KIRQL NewIrql)
{
    VfCheckRaise(NewIrql);
    return KiRaiseIrql(NewIrql);
}

VFTHUNK(KeRaiseIrql, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql)
{
    VfCheckRaise(NewIrql);
    *OldIrql = KiRaiseIrql(NewIrql);
}

VFTHUNK(KfLowerIrql, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKfLowerIrql(KIRQL NewIrql)
{
    VfCheckLower(NewIrql);
    __writecr8(NewIrql);
}

VFTHUNK(KeLowerIrql, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKeLowerIrql(KIRQL NewIrql)
{
    VfCheckLower(NewIrql);
    __writecr8(NewIrql);
}

static VOID VfCheckAcquire(const VOID *Lock)
{
    if (KeGetCurrentIrql() > DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x42, KeGetCurrentIrql(), RD_ADDRESS(Lock), 0);
    }
}

static VOID VfCheckRelease(const VOID *Lock)
{
    if (KeGetCurrentIrql() != DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x32, KeGetCurrentIrql(), RD_ADDRESS(Lock), 0);
    }
}

#undef KeAcquireSpinLock
#undef KeReleaseSpinLock
#undef KeAcquireSpinLockRaiseToDpc
#undef KeAcquireSpinLockAtDpcLevel
#undef KeReleaseSpinLockFromDpcLevel
NTSYSAPI VOID NTAPI KeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql);
NTSYSAPI VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql);
NTSYSAPI KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock);
NTSYSAPI VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock);
NTSYSAPI VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock);

VFTHUNK(KeAcquireSpinLock, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql)
{
    VfCheckAcquire(SpinLock);
    KeAcquireSpinLock(SpinLock, OldIrql);
}

VFTHUNK(KeAcquireSpinLockRaiseToDpc, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) KIRQL NTAPI VerifierKeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    VfCheckAcquire(SpinLock);
    return KeAcquireSpinLockRaiseToDpc(SpinLock);
}

VFTHUNK(KeReleaseSpinLock, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    VfCheckRelease(SpinLock);
    KeReleaseSpinLock(SpinLock, NewIrql);
}

VFTHUNK(KeAcquireSpinLockAtDpcLevel, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x40, KeGetCurrentIrql(), RD_ADDRESS(SpinLock), 0);
    }
    KeAcquireSpinLockAtDpcLevel(SpinLock);
}

VFTHUNK(KeReleaseSpinLockFromDpcLevel, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x41, KeGetCurrentIrql(), RD_ADDRESS(SpinLock), 0);
    }
    KeReleaseSpinLockFromDpcLevel(SpinLock);
}

VFTHUNK(KeSetEvent, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) LONG NTAPI VerifierKeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    if (KeGetCurrentIrql() > DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x80, KeGetCurrentIrql(), RD_ADDRESS(Event), 0);
    }
    return KeSetEvent(Event, Increment, Wait);
}
