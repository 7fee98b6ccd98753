/* A remove lock that is released once too often, by thread 0: the count may reach zero, and the event be signalled, before
 * anybody removes; not so while another thread holds the lock. The order of the changes shows in the event. */
#include "../litmus.h"

static IO_REMOVE_LOCK Lock;

VOID LitmusInitialize(VOID)
{
    IoInitializeRemoveLock(&Lock, 0, 0, 0);
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        IoReleaseRemoveLock(&Lock, NULL);
        IoAcquireRemoveLock(&Lock, NULL);
    }
    else
    {
        IoAcquireRemoveLock(&Lock, NULL);
        IoReleaseRemoveLock(&Lock, NULL);
    }
}
