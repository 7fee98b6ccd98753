/* The twin of bad.c without the mistake. */
#include "../check.h"

static FAST_MUTEX First, Second;
static volatile LONG Ready;

static VOID Prepare(VOID)
{
    if (InterlockedCompareExchange(&Ready, 1, 0) == 0)
    {
        ExInitializeFastMutex(&First);
        ExInitializeFastMutex(&Second);
        InterlockedExchange(&Ready, 2);
    }
    while (Ready != 2)
    {
        YieldProcessor();
    }
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Prepare();
    ExAcquireFastMutex(&First);
    ExAcquireFastMutex(&Second);
    ExReleaseFastMutex(&Second);
    ExReleaseFastMutex(&First);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
