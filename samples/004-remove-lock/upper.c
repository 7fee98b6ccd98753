/*
 * The upper driver: a filter above lower.sys. What the variant does not forward is passed down
 * without a completion routine, under the remove lock. Removal is done in the documented order:
 * pass down, release the lock and wait, detach, delete. Detaching drops the last hold on the lower
 * device, after which the lower driver may go.
 */
#include "upper.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Upper");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Upper");

DRIVER_INITIALIZE DriverEntry;

NTSTATUS CompleteRequest(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI UpperPassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUPPER_EXTENSION Extension = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Extension->RemoveLock, Irp);

    if (!NT_SUCCESS(Status))
    {
        return CompleteRequest(Irp, Status);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Extension->NextDevice, Irp);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

static NTSTATUS NTAPI UpperPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUPPER_EXTENSION Extension = DeviceObject->DeviceExtension;
    NTSTATUS Status;

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction)
    {
    case IRP_MN_REMOVE_DEVICE:
        break;
    case IRP_MN_START_DEVICE:
    case IRP_MN_QUERY_CAPABILITIES:
        return UpperForward(DeviceObject, Irp);
    default:
        return UpperPassDown(DeviceObject, Irp);
    }
    Status = IoAcquireRemoveLock(&Extension->RemoveLock, Irp);
    if (!NT_SUCCESS(Status))
    {
        return CompleteRequest(Irp, Status);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Extension->NextDevice, Irp);
    IoReleaseRemoveLockAndWait(&Extension->RemoveLock, Irp);
    IoDeleteSymbolicLink(&LinkName);
    IoDetachDevice(Extension->NextDevice);
    IoDeleteDevice(DeviceObject);
    return Status;
}

static NTSTATUS NTAPI UpperPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    return UpperForward(DeviceObject, Irp);
}

static NTSTATUS NTAPI UpperAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDevice)
{
    PDEVICE_OBJECT DeviceObject;
    PUPPER_EXTENSION Extension;
    NTSTATUS Status;

    Status = IoCreateDevice(DriverObject, sizeof(UPPER_EXTENSION), &DeviceName, FILE_DEVICE_UNKNOWN, 0,
                            FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Extension = DeviceObject->DeviceExtension;
    IoInitializeRemoveLock(&Extension->RemoveLock, UPPER_TAG, 0, 0);
    Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(Status))
    {
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    Extension->NextDevice = IoAttachDeviceToDeviceStack(DeviceObject, PhysicalDevice);
    if (Extension->NextDevice == NULL)
    {
        IoDeleteSymbolicLink(&LinkName);
        IoDeleteDevice(DeviceObject);
        return STATUS_NO_SUCH_DEVICE;
    }
    DeviceObject->Flags |=
        Extension->NextDevice->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE);
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI UpperUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = UpperPassDown;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = UpperPassDown;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = UpperPassDown;
    DriverObject->MajorFunction[IRP_MJ_READ] = UpperForward;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = UpperForward;
    DriverObject->MajorFunction[IRP_MJ_PNP] = UpperPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = UpperPower;
    DriverObject->DriverExtension->AddDevice = UpperAddDevice;
    DriverObject->DriverUnload = UpperUnload;
    return STATUS_SUCCESS;
}
