/*
 * The lower driver, in two images: lower.sys answers each control request in its dispatch routine;
 * lower-pends.sys, built from this file too, leaves it to a work item.
 */
#include <ntddk.h>

#include "nothing.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Lower");
static PDEVICE_OBJECT LowerDevice;

DRIVER_INITIALIZE DriverEntry;

static VOID Answer(PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI LowerCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Answer(Irp);
    return STATUS_SUCCESS;
}

#ifdef LOWER_PENDS
static VOID NTAPI LowerWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PIRP Irp = Context;
    PIO_WORKITEM Item = Irp->Tail.Overlay.DriverContext[0];

    UNREFERENCED_PARAMETER(DeviceObject);
    IoFreeWorkItem(Item);
    Answer(Irp);
}

static NTSTATUS NTAPI LowerDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(DeviceObject);

    if (Item == NULL)
    {
        Irp->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
        Irp->IoStatus.Information = 0;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->Tail.Overlay.DriverContext[0] = Item;
    IoMarkIrpPending(Irp);
    IoQueueWorkItem(Item, LowerWork, DelayedWorkQueue, Irp);
    return STATUS_PENDING;
}
#else
static NTSTATUS NTAPI LowerDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Answer(Irp);
    return STATUS_SUCCESS;
}
#endif

static VOID NTAPI LowerUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteDevice(LowerDevice);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LowerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LowerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LowerDeviceControl;
    DriverObject->DriverUnload = LowerUnload;
    return IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &LowerDevice);
}
