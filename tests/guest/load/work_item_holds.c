/*
 * A queued I/O work item keeps the driver: the unload routine, or at least the image's end, waits
 * for its routine.
 */
#include "../load.h"

static PDEVICE_OBJECT Device;

static VOID NTAPI Work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    LARGE_INTEGER Interval;

    UNREFERENCED_PARAMETER(DeviceObject);
    Interval.QuadPart = -10 * 1000 * 1000;
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    IoFreeWorkItem(Context);
    LoadPlan(1);
    LoadOk(TRUE, "QueuedIoWorkItemKeepsTheImage");
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL)
    {
        PIO_WORKITEM Item = IoAllocateWorkItem(DeviceObject);

        IoQueueWorkItem(Item, Work, DelayedWorkQueue, Item);
    }
    return LoadComplete(Irp, STATUS_SUCCESS);
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    LoadDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    DriverObject->DriverUnload = Unload;
    return LoadCreateDevice(DriverObject, &Device);
}
