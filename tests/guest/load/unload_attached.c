/*
 * Unload waits until nothing is attached above the driver's devices. The device above is the
 * driver's own; a work item, which keeps the image meanwhile, detaches it.
 */
#include "../load.h"

static PDEVICE_OBJECT Device, Above;
static LONG Unloads, UnloadsWhileAttached;

static VOID NTAPI Detach(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    LARGE_INTEGER Interval;

    UNREFERENCED_PARAMETER(DeviceObject);
    Interval.QuadPart = -10 * 1000 * 1000;
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    IoFreeWorkItem(Context);
    UnloadsWhileAttached = Unloads;
    if (Unloads == 0)
    {
        IoDetachDevice(Device);
    }
    LoadPlan(2);
    LoadOk(UnloadsWhileAttached == 0, "UnloadWaitsUntilNothingIsAttachedAbove");
    LoadOk(Unloads == 1, "DetachingTheLastDeviceUnloads");
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CLEANUP)
    {
        PIO_WORKITEM Item = IoAllocateWorkItem(DeviceObject);

        IoQueueWorkItem(Item, Detach, DelayedWorkQueue, Item);
    }
    return LoadComplete(Irp, STATUS_SUCCESS);
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    Unloads++;
    if (Device->AttachedDevice != NULL)
    {
        IoDetachDevice(Device);
    }
    LoadDeleteDevice(Device);
    IoDeleteDevice(Above);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->DriverUnload = Unload;
    Status = LoadCreateDevice(DriverObject, &Device);
    if (NT_SUCCESS(Status))
    {
        Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Above);
    }
    if (NT_SUCCESS(Status))
    {
        Device->Flags &= ~DO_DEVICE_INITIALIZING; /* else nothing can be attached to it yet */
        IoAttachDeviceToDeviceStack(Above, Device);
    }
    return Status;
}
