/* Says when it comes and goes; has a device that does nothing. */
#include <ntddk.h>

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Print");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Print");

static NTSTATUS NTAPI PrintDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI PrintUnload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("print: unloaded\n");
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(Status))
    {
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    DbgPrint("print: loaded\n");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PrintDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PrintDispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PrintDispatch;
    DriverObject->DriverUnload = PrintUnload;
    return STATUS_SUCCESS;
}
