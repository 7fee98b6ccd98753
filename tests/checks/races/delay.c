/* Unloading sleeps and hopes. */
#include "race.h"

static VOID Prepare(VOID)
{
}

static DECLSPEC_NOINLINE VOID Leave(VOID)
{
}

static DECLSPEC_NOINLINE VOID Wait(VOID)
{
    LARGE_INTEGER Interval = CheckRelative(10);

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}
