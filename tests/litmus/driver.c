/*
 * The driver around a litmus program.
 */
#include "litmus.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Litmus");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Litmus");

DRIVER_INITIALIZE DriverEntry;

static NTSTATUS NTAPI LitmusDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
    {
        LitmusBody((Location->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xff);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LitmusDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LitmusDispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LitmusDispatch;
    LitmusInitialize();
    return IoCreateSymbolicLink(&LinkName, &DeviceName);
}
