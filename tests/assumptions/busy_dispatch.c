/*
 * A driver that stops the system when it is unloaded while a dispatch routine of its own is running. Nothing in NT waits
 * for that when the request came from a kernel client that holds only the device object.
 */
#include <ntddk.h>

#define UNLOADED_WHILE_BUSY 0xE2 /* MANUALLY_INITIATED_CRASH: a code that the kernel itself never raises */

static volatile LONG Busy;
static PDEVICE_OBJECT Device;
static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Busy");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Busy");

static NTSTATUS NTAPI BusyDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    InterlockedIncrement(&Busy);
    InterlockedDecrement(&Busy);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI BusyUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    if (Busy != 0)
    {
        KeBugCheckEx(UNLOADED_WHILE_BUSY, 0, 0, 0, 0);
    }
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    IoCreateSymbolicLink(&LinkName, &DeviceName);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = BusyDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = BusyDispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = BusyDispatch;
    DriverObject->DriverUnload = BusyUnload;
    return STATUS_SUCCESS;
}
