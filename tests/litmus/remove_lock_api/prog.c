/* The kernel's remove lock, used as documented: acquires and releases commute until the removal, which each thread comes
 * before or after. Thread 0 removes. */
#include "../litmus.h"

static IO_REMOVE_LOCK Lock;
static CELL Refused[6];

VOID LitmusInitialize(VOID)
{
    IoInitializeRemoveLock(&Lock, 0, 0, 0);
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        IoAcquireRemoveLock(&Lock, NULL);
        IoReleaseRemoveLockAndWait(&Lock, NULL);
    }
    else if (NT_SUCCESS(IoAcquireRemoveLock(&Lock, NULL)))
    {
        IoReleaseRemoveLock(&Lock, NULL);
    }
    else
    {
        Refused[Number].Value = 1;
    }
}
