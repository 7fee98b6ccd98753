/* A device object is dereferenced without having been referenced, more often than it has references. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PDEVICE_OBJECT Device;
    ULONG Index;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    if (!NT_SUCCESS(IoCreateDevice(DeviceObject->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device)))
    {
        return STATUS_UNSUCCESSFUL;
    }
    for (Index = 0; Index < 4; Index++)
    {
        ObDereferenceObject(Device);
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
