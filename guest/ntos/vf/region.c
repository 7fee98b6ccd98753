/*
 * Critical regions of verified drivers.
 */
#include "guest/include/vf.h"

VFTHUNK(KeEnterCriticalRegion, VF_OPTION_MISC | VF_OPTION_FORCE_IRQL);
__attribute__((noinline)) VOID NTAPI VerifierKeEnterCriticalRegion(VOID)
{
    KeEnterCriticalRegion();
}

VFTHUNK(KeLeaveCriticalRegion, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKeLeaveCriticalRegion(VOID)
{
    if (KiCurrentThread()->KernelApcDisable >= 0)
    {
        VerifierBugCheck(0x3E, 0, 0, 0);
    }
    KeLeaveCriticalRegion();
}
