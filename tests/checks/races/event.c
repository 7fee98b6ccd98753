/* Unloading waits for an event that the thread sets. */
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
    KeWaitForSingleObject(&Finished, Executive, KernelMode, FALSE, NULL);
}
