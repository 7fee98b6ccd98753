/*
 * Critical and guarded regions: two counters of the thread, decremented by entering (nt-semantics 1b). Leaving the
 * last one delivers, there and then, what was held back.
 */
#include "guest/include/ki.h"

NTEXPORT(KeEnterCriticalRegion, APC_LEVEL, "");
VOID NTAPI KeEnterCriticalRegion(VOID)
{
    KiCurrentThread()->KernelApcDisable--;
}

NTEXPORT(KeLeaveCriticalRegion, APC_LEVEL, "");
VOID NTAPI KeLeaveCriticalRegion(VOID)
{
    PKTHREAD Thread = KiCurrentThread();

    if (++Thread->KernelApcDisable == 0)
    {
        KiApcsEnabledAgain(Thread);
    }
}

NTEXPORT(KeEnterGuardedRegion, APC_LEVEL, "");
VOID NTAPI KeEnterGuardedRegion(VOID)
{
    KiCurrentThread()->SpecialApcDisable--;
}

NTEXPORT(KeLeaveGuardedRegion, APC_LEVEL, "");
VOID NTAPI KeLeaveGuardedRegion(VOID)
{
    PKTHREAD Thread = KiCurrentThread();

    if (++Thread->SpecialApcDisable == 0)
    {
        KiApcsEnabledAgain(Thread);
    }
}

NTEXPORT(KeAreApcsDisabled, DISPATCH_LEVEL, "");
BOOLEAN NTAPI KeAreApcsDisabled(VOID)
{
    return KiCurrentThread()->CombinedApcDisable != 0;
}

NTEXPORT(KeAreAllApcsDisabled, DISPATCH_LEVEL, "");
BOOLEAN NTAPI KeAreAllApcsDisabled(VOID)
{
    return KiCurrentThread()->SpecialApcDisable != 0 || KeGetCurrentIrql() >= APC_LEVEL;
}
