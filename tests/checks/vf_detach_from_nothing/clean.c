/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PDEVICE_OBJECT Device;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoCreateDevice(DeviceObject->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    CheckLowerDevice()->Flags &= ~DO_DEVICE_INITIALIZING;
    IoAttachDeviceToDeviceStack(Device, CheckLowerDevice());
    IoDetachDevice(CheckLowerDevice());
    IoDeleteDevice(Device);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
