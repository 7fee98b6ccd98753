/*
 * The filter manager's driver object, its control device and the one dispatch routine of all its devices.
 * FltpDispatch is what stacks and the verifier show for a request that passes a filtered volume.
 */
#include "guest/include/fltp.h"

PDRIVER_OBJECT FltpDriverObject;
LIST_ENTRY FltpFilters = {&FltpFilters, &FltpFilters};
LIST_ENTRY FltpVolumes = {&FltpVolumes, &FltpVolumes};

static NTSTATUS FltpComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* "filter" or "filter;volume". */
static VOID FltpSplit(PIRP Irp, PIO_STACK_LOCATION Stack, PUNICODE_STRING Filter, PUNICODE_STRING Volume)
{
    USHORT Length = (USHORT)(Stack->Parameters.DeviceIoControl.InputBufferLength & ~1u);
    PWSTR Text = Irp->AssociatedIrp.SystemBuffer;
    USHORT At = 0;

    while (At < Length && Text[At / sizeof(WCHAR)] != L';')
    {
        At += sizeof(WCHAR);
    }
    Filter->Buffer = Text;
    Filter->Length = Filter->MaximumLength = At;
    Volume->Buffer = Text + At / sizeof(WCHAR) + 1;
    Volume->Length = Volume->MaximumLength = At < Length ? Length - At - sizeof(WCHAR) : 0;
}

static NTSTATUS FltpControl(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    UNICODE_STRING FilterName, VolumeName;
    PFLT_FILTER Filter;
    PFLT_VOLUME Volume;
    NTSTATUS Status;

    FltpSplit(Irp, Stack, &FilterName, &VolumeName);
    switch (Stack->Parameters.DeviceIoControl.IoControlCode)
    {
    case FLT_CONTROL_LOAD:
        return FltpLoadByName(&FilterName);
    case FLT_CONTROL_UNLOAD:
        return FltpUnloadByName(&FilterName);
    case FLT_CONTROL_ATTACH:
    case FLT_CONTROL_DETACH:
        Status = FltGetFilterFromName(&FilterName, &Filter);
        if (!NT_SUCCESS(Status))
        {
            return Status;
        }
        Status = FltGetVolumeFromName(Filter, &VolumeName, &Volume);
        if (NT_SUCCESS(Status))
        {
            Status = Stack->Parameters.DeviceIoControl.IoControlCode == FLT_CONTROL_ATTACH
                         ? FltAttachVolume(Filter, Volume, NULL, NULL)
                         : FltDetachVolume(Filter, Volume, NULL);
            FltObjectDereference(Volume);
        }
        FltObjectDereference(Filter);
        return Status;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS FltpControlDispatch(PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    switch (Stack->MajorFunction)
    {
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        return FltpComplete(Irp, STATUS_SUCCESS);
    case IRP_MJ_DEVICE_CONTROL:
        return FltpComplete(Irp, FltpControl(Irp, Stack));
    default:
        return FltpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

static NTSTATUS NTAPI FltpDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFLTP_DEVICE Device = DeviceObject->DeviceExtension;

    switch (Device->Kind)
    {
    case FltpControlDevice:
        return FltpControlDispatch(Irp);
    case FltpFileSystemDevice:
        return FltpFileSystemDispatch(Device, Irp);
    default:
        return FltpPassThrough(Device->Volume, Irp, NULL);
    }
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(FLT_CONTROL_DEVICE);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\FltMgr");
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    FltpDriverObject = DriverObject;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
    {
        DriverObject->MajorFunction[i] = FltpDispatch;
    }
    Status = IoCreateDevice(DriverObject, sizeof(FLTP_DEVICE), &Name, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Device);
    if (NT_SUCCESS(Status))
    {
        ((PFLTP_DEVICE)Device->DeviceExtension)->Kind = FltpControlDevice;
        Status = IoCreateSymbolicLink(&Link, &Name);
    }
    return Status;
}
