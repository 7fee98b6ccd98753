/* The second of the two: the filter. It registers when it is asked to, and its unload callback waits for the first. */
#include "isolate.h"
#include "two_drivers.h"

static WAIT_FOR_REGISTRATION WaitForRegistration;
static PDEVICE_OBJECT Device;

VOID BeforeUnload(VOID)
{
    WaitForRegistration();
    IoDeleteDevice(Device);
}

static NTSTATUS Register(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    NTSTATUS Status;

    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_REGISTER ||
        Stack->Parameters.DeviceIoControl.InputBufferLength != sizeof WaitForRegistration)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    WaitForRegistration = *(WAIT_FOR_REGISTRATION *)Irp->AssociatedIrp.SystemBuffer;
    Status = SetupWorkerQueues();
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = RegisterFilter(Stack->DeviceObject->DriverObject);
    if (!NT_SUCCESS(Status))
    {
        StopWorkerQueues();
        return Status;
    }
    Status = FltStartFiltering(FilterHandle);
    if (!NT_SUCCESS(Status))
    {
        FltUnregisterFilter(FilterHandle);
        StopWorkerQueues();
    }
    return Status;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL)
    {
        Status = Register(Irp, Stack);
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(FILTER_DEVICE);

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
