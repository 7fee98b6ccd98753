/* Unloading waits for rundown protection that the thread releases. */
#include "race.h"

EX_RUNDOWN_REF Rundown;

static VOID Prepare(VOID)
{
    ExInitializeRundownProtection(&Rundown);
    ExAcquireRundownProtection(&Rundown);
}

static DECLSPEC_NOINLINE VOID Leave(VOID)
{
    ExReleaseRundownProtection(&Rundown);
}

static DECLSPEC_NOINLINE VOID Wait(VOID)
{
    ExWaitForRundownProtectionRelease(&Rundown);
}
