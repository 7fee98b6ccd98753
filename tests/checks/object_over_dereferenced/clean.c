/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PDEVICE_OBJECT Device;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    if (!NT_SUCCESS(IoCreateDevice(DeviceObject->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device)))
    {
        return STATUS_UNSUCCESSFUL;
    }
    ObReferenceObject(Device);
    ObDereferenceObject(Device);
    IoDeleteDevice(Device);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
