/* Two clients take two mutexes in opposite orders. */
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
    PFAST_MUTEX Outer = Number == 0 ? &First : &Second;
    PFAST_MUTEX Inner = Number == 0 ? &Second : &First;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Prepare();
    ExAcquireFastMutex(Outer);
    ExAcquireFastMutex(Inner);
    ExReleaseFastMutex(Inner);
    ExReleaseFastMutex(Outer);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
