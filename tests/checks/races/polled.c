/* Unloading looks at a flag now and then, which the thread sets. */
#include "race.h"

volatile LONG Finished;

static VOID Prepare(VOID)
{
    Finished = 0;
}

static DECLSPEC_NOINLINE VOID Leave(VOID)
{
    InterlockedExchange(&Finished, 1);
}

static DECLSPEC_NOINLINE VOID Wait(VOID)
{
    LARGE_INTEGER Interval = CheckRelative(1);

    while (!Finished)
    {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
}
