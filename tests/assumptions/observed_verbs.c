/*
 * A driver that looks at what another thread asked of its own: it was alerted, and no user APC has come yet. A thread that alerts and
 * then queues an APC is seen there only if somebody else may run between its two requests.
 */
#include <ntifs.h>

static PDEVICE_OBJECT Device;
static KEVENT Never;
static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Observed");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Observed");

static NTSTATUS ShortWait(VOID)
{
    LARGE_INTEGER Timeout;

    Timeout.QuadPart = -10000;
    return KeWaitForSingleObject(&Never, UserRequest, UserMode, TRUE, &Timeout);
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL &&
        ShortWait() == STATUS_ALERTED && ShortWait() == STATUS_TIMEOUT)
    {
        Status = STATUS_UNSUCCESSFUL;
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    IoCreateSymbolicLink(&LinkName, &DeviceName);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
