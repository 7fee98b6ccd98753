/* A notification of file systems is still registered when the driver is unloaded. */
#include "../check.h"

static PDRIVER_OBJECT Driver;

static VOID NTAPI Notify(PDEVICE_OBJECT DeviceObject, BOOLEAN Active)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Active);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    Driver = DeviceObject->DriverObject;
    IoRegisterFsRegistrationChange(Driver, Notify);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
