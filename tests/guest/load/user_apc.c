/*
 * User-mode APCs and alerts of a user thread, seen from a driver's wait in its dispatch routine.
 */
#include "../load.h"

static PDEVICE_OBJECT Device;
static NTSTATUS AlertableStatus = STATUS_PENDING, PlainStatus = STATUS_PENDING;

static NTSTATUS Wait(BOOLEAN Alertable)
{
    KEVENT Never;
    LARGE_INTEGER Timeout;

    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    Timeout.QuadPart = -10LL * 1000 * 1000 * 60;
    return KeWaitForSingleObject(&Never, UserRequest, UserMode, Alertable, &Timeout);
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
    {
        if (Location->Parameters.DeviceIoControl.IoControlCode == 0x222000)
        {
            PlainStatus = Wait(FALSE);
        }
        else
        {
            AlertableStatus = Wait(TRUE);
        }
    }
    if (Location->MajorFunction == IRP_MJ_CLOSE)
    {
        LoadPlan(2);
        LoadOk(PlainStatus == STATUS_TIMEOUT, "UserApcDoesNotEndAWaitThatIsNotAlertable");
        LoadOk(AlertableStatus == STATUS_USER_APC, "UserApcEndsAnAlertableWaitOfUserMode");
    }
    return LoadComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    return LoadCreateDevice(DriverObject, &Device);
}
