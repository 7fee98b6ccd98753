/* The twin of bad.c without the mistake. */
#include "../check.h"

static VOID NTAPI Tick(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    IoInitializeTimer(DeviceObject, Tick, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
