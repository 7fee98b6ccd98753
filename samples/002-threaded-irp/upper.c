/*
 * The upper driver. Each control request makes it ask the lower driver something, in AskAndMount.
 * What follows in MountVolume has nothing to do with the question; it is there because a real
 * driver goes on working, and its new frames cover the old ones.
 */
#include "upper.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Upper");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Upper");
static UNICODE_STRING TargetName = RTL_CONSTANT_STRING(L"\\Device\\Lower");

FAST_MUTEX UpperMutex;
static PFILE_OBJECT TargetFile;
static PDEVICE_OBJECT TargetDevice;
static PDEVICE_OBJECT UpperDevice;
static volatile ULONG Checksum;

DRIVER_INITIALIZE DriverEntry;

static DECLSPEC_NOINLINE ULONG ReadVolumeFile(ULONG Seed)
{
    UCHAR Sector[512];
    ULONG Sum = 0, i;

    for (i = 0; i < sizeof(Sector); i++)
    {
        Sector[i] = (UCHAR)(Seed + i * 7);
    }
    for (i = 0; i < sizeof(Sector); i++)
    {
        Sum = (Sum << 1 | Sum >> 31) ^ Sector[i];
    }
    return Sum;
}

DECLSPEC_NOINLINE VOID MountVolume(VOID)
{
    volatile ULONG Sums[16];
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Sums); i++)
    {
        Sums[i] = ReadVolumeFile(i);
    }
    Checksum = Sums[0] ^ Sums[15];
}

static NTSTATUS CompleteRequest(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI UpperCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return CompleteRequest(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI UpperDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    AskAndMount(TargetDevice);
    return CompleteRequest(Irp, STATUS_SUCCESS);
}

static VOID NTAPI UpperUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(UpperDevice);
    ObDereferenceObject(TargetFile);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    ExInitializeFastMutex(&UpperMutex);
    Status = IoGetDeviceObjectPointer(&TargetName, FILE_READ_DATA, &TargetFile, &TargetDevice);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &UpperDevice);
    if (!NT_SUCCESS(Status))
    {
        ObDereferenceObject(TargetFile);
        return Status;
    }
    Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(Status))
    {
        IoDeleteDevice(UpperDevice);
        ObDereferenceObject(TargetFile);
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = UpperCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = UpperCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = UpperDeviceControl;
    DriverObject->DriverUnload = UpperUnload;
    return STATUS_SUCCESS;
}
