/* The twin of bad.c without the mistake. */
#include "../check.h"

static KEVENT Event;
static volatile LONG Ready;

static VOID Prepare(VOID)
{
    if (InterlockedCompareExchange(&Ready, 1, 0) == 0)
    {
        KeInitializeEvent(&Event, NotificationEvent, FALSE);
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
    if (Number == 0)
    {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    else
    {
        KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
