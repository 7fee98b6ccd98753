/*
 * The filter: answers reads out of a cache of names, in the context of whoever reads, and replaces the cache on request.
 */
#include <ntddk.h>

#include "filter.h"

static UNICODE_STRING FilterDeviceName = RTL_CONSTANT_STRING(L"\\Device\\Filter");
static UNICODE_STRING FilterLinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Filter");
static PDEVICE_OBJECT FilterDevice;
static NAME_CACHE FilterCache;

DRIVER_INITIALIZE DriverEntry;

static VOID FilterRefresh(PNAME_CACHE Cache)
{
    InterlockedExchange(&Cache->Refreshing, 1);
    InterlockedExchange(&Cache->Refreshing, 0);
}

static NTSTATUS NTAPI FilterDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Location->MajorFunction == IRP_MJ_READ)
    {
        Status = FilterLookUp(&FilterCache);
    }
    else if (Location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
    {
        FilterRefresh(&FilterCache);
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NTAPI FilterUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteSymbolicLink(&FilterLinkName);
    IoDeleteDevice(FilterDevice);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &FilterDeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &FilterDevice);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    IoCreateSymbolicLink(&FilterLinkName, &FilterDeviceName);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FilterDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = FilterDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FilterDispatch;
    DriverObject->MajorFunction[IRP_MJ_READ] = FilterDispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FilterDispatch;
    DriverObject->DriverUnload = FilterUnload;
    return STATUS_SUCCESS;
}
