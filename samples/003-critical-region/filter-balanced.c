/* Leaves the critical region on every way out. */
#include "filter.h"

NTSTATUS FilterLookUp(PNAME_CACHE Cache)
{
    NTSTATUS Status = STATUS_RETRY;

    KeEnterCriticalRegion();
    if (InterlockedCompareExchange(&Cache->Refreshing, 0, 0) == 0)
    {
        InterlockedIncrement(&Cache->Hits);
        Status = STATUS_SUCCESS;
    }
    KeLeaveCriticalRegion();
    return Status;
}
