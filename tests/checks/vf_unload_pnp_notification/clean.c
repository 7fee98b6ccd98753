/* The twin of bad.c: the unload routine unregisters it. */
#include "../check.h"

static PDRIVER_OBJECT Driver;
static GUID Interface = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
static PVOID Registration;

static NTSTATUS NTAPI Notify(PVOID Notification, PVOID Context)
{
    UNREFERENCED_PARAMETER(Notification);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_SUCCESS;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    Driver = DeviceObject->DriverObject;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, &Interface, Driver, Notify, NULL,
                                   &Registration);
    IoUnregisterPlugPlayNotification(Registration);
}
