/*
 * A PnP driver's life: AddDevice, start, remove, unload.
 */
#include "../load.h"

typedef struct _EXTENSION
{
    PDEVICE_OBJECT Next;
} EXTENSION, *PEXTENSION;

static LONG Sequence, AddedAt, StartedAt, RemovedAt;
static BOOLEAN InitialStatusRefuses, RemoveReturnedSuccess, PhysicalDeviceIsAlone;

static NTSTATUS NTAPI Pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEXTENSION Extension = DeviceObject->DeviceExtension;
    PDEVICE_OBJECT Next = Extension->Next;
    UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS Status;

    if (Minor == IRP_MN_START_DEVICE)
    {
        StartedAt = ++Sequence;
        InitialStatusRefuses = Irp->IoStatus.Status == STATUS_NOT_SUPPORTED;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    if (Minor == IRP_MN_REMOVE_DEVICE)
    {
        Irp->IoStatus.Status = STATUS_SUCCESS;
    }
    Status = IoCallDriver(Next, Irp);
    if (Minor == IRP_MN_REMOVE_DEVICE)
    {
        RemovedAt = ++Sequence;
        RemoveReturnedSuccess = NT_SUCCESS(Status);
        IoDetachDevice(Next);
        IoDeleteDevice(DeviceObject);
    }
    return Status;
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDevice)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, sizeof(EXTENSION), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    AddedAt = ++Sequence;
    PhysicalDeviceIsAlone = PhysicalDevice->AttachedDevice == NULL;
    ((PEXTENSION)DeviceObject->DeviceExtension)->Next =
        IoAttachDeviceToDeviceStack(DeviceObject, PhysicalDevice);
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    LoadPlan(7);
    LoadOk(AddedAt == 1, "AddDeviceComesFirst");
    LoadOk(PhysicalDeviceIsAlone, "PhysicalDeviceHasNothingAttachedYet");
    LoadOk(StartedAt == 2, "StartFollowsAddDevice");
    LoadOk(InitialStatusRefuses, "PnpRequestsStartAsNotSupported");
    LoadOk(RemovedAt == 3 && RemoveReturnedSuccess, "RemoveSucceeds");
    LoadOk(Sequence == 3, "UnloadFollowsTheRemovalOfTheLastDevice");
    LoadOk(DriverObject->DeviceObject == NULL, "NoDeviceIsLeftAtUnload");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_PNP] = Pnp;
    DriverObject->DriverExtension->AddDevice = AddDevice;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
