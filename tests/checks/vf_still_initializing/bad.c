/* AddDevice leaves DO_DEVICE_INITIALIZING set. */
#include "../check.h"

static PDEVICE_OBJECT Upper, Lower;

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDevice)
{
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Upper);

    if (NT_SUCCESS(Status))
    {
        Lower = IoAttachDeviceToDeviceStack(Upper, PhysicalDevice);
    }
    return Status;
}

PDRIVER_ADD_DEVICE CheckAddDevice = AddDevice;

/* All its requests are the bus driver's to answer. */
static NTSTATUS NTAPI PassOn(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Gone = Location->MajorFunction == IRP_MJ_PNP && Location->MinorFunction == IRP_MN_REMOVE_DEVICE;
    NTSTATUS Status;

    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Lower, Irp);
    if (Gone)
    {
        IoDetachDevice(Lower);
        IoDeleteDevice(DeviceObject);
    }
    return Status;
}

PDRIVER_DISPATCH CheckLowerDispatch = PassOn;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
