/* Unloading waits for a semaphore that the thread releases. */
#include "race.h"

KSEMAPHORE Finished;

static VOID Prepare(VOID)
{
    KeInitializeSemaphore(&Finished, 0, 1);
}

static DECLSPEC_NOINLINE VOID Leave(VOID)
{
    KeReleaseSemaphore(&Finished, IO_NO_INCREMENT, 1, FALSE);
}

static DECLSPEC_NOINLINE VOID Wait(VOID)
{
    KeWaitForSingleObject(&Finished, Executive, KernelMode, FALSE, NULL);
}
