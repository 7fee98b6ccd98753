/* The twin of bad.c: the unload routine unregisters it. */
#include "../check.h"

static PDEVICE_OBJECT Registered;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoRegisterShutdownNotification(DeviceObject);
    Registered = DeviceObject;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    IoUnregisterShutdownNotification(Registered);
}
