/* Unloading waits for an event that the thread sets, but not for long. */
#include "race.h"

KEVENT Finished;

static VOID Prepare(VOID)
{
    KeInitializeEvent(&Finished, NotificationEvent, FALSE);
}

static DECLSPEC_NOINLINE VOID Leave(VOID)
{
    KeSetEvent(&Finished, IO_NO_INCREMENT, FALSE);
}

static DECLSPEC_NOINLINE VOID Wait(VOID)
{
    LARGE_INTEGER Timeout = CheckRelative(10);

    KeWaitForSingleObject(&Finished, Executive, KernelMode, FALSE, &Timeout);
}
