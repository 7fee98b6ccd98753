/* The twin of bad.c: the unload routine unregisters it. */
#include "../check.h"

static PVOID Registration;

static NTSTATUS NTAPI Notify(PVOID Notification, PVOID Context)
{
    UNREFERENCED_PARAMETER(Notification);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_SUCCESS;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    static GUID Interface = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};

    UNREFERENCED_PARAMETER(Number);
    IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, &Interface,
                                   DeviceObject->DriverObject, Notify, NULL, &Registration);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    IoUnregisterPlugPlayNotification(Registration);
}
