/* A local timer is still set when its function returns. */
#include "../check.h"

static DECLSPEC_NOINLINE VOID SetLocalTimer(VOID)
{
    KTIMER Timer;

    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, CheckRelative(10), NULL);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    LARGE_INTEGER Interval = CheckRelative(20);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    SetLocalTimer();
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
