/*
 * Requests from user mode: what reaches the driver, and what comes back.
 */
#include "../load.h"

static PDEVICE_OBJECT Device;
static PFILE_OBJECT File;
static KPROCESSOR_MODE Mode;
static BOOLEAN SameFile = TRUE, UserMode1 = TRUE, SawInput, SawWrite, SawRead, Cancelled, ClosedAfterCancel;
static PIRP Held;
static LONG Cleanups;

static VOID NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Cancelled = TRUE;
    Held = NULL;
    LoadComplete(Irp, STATUS_CANCELLED);
}

static NTSTATUS Control(PIRP Irp, PIO_STACK_LOCATION Location)
{
    PUCHAR Buffer = Irp->AssociatedIrp.SystemBuffer;

    switch (Location->Parameters.DeviceIoControl.IoControlCode)
    {
    case 0x222000: /* succeed, with two bytes of output */
        SawInput = Location->Parameters.DeviceIoControl.InputBufferLength == 3 &&
                   Location->Parameters.DeviceIoControl.OutputBufferLength == 4 && Buffer[0] == 'a' &&
                   Buffer[2] == 'c';
        Buffer[0] = 'x';
        Buffer[1] = 'y';
        Irp->IoStatus.Status = STATUS_SUCCESS;
        Irp->IoStatus.Information = 2;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_SUCCESS;
    case 0x222004: /* fail */
        return LoadComplete(Irp, STATUS_ACCESS_DENIED);
    default: /* pend until cancelled */
        IoMarkIrpPending(Irp);
        Held = Irp;
        IoSetCancelRoutine(Irp, Cancel);
        return STATUS_PENDING;
    }
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    Mode = Irp->RequestorMode;
    if (Location->MajorFunction == IRP_MJ_CREATE)
    {
        File = Location->FileObject;
    }
    SameFile = SameFile && File != NULL && Location->FileObject == File;
    switch (Location->MajorFunction)
    {
    case IRP_MJ_DEVICE_CONTROL:
        UserMode1 = UserMode1 && Mode == UserMode;
        return Control(Irp, Location);
    case IRP_MJ_WRITE:
        SawWrite = Location->Parameters.Write.Length == 5 &&
                   *(PUCHAR)Irp->AssociatedIrp.SystemBuffer == 'h';
        Irp->IoStatus.Status = STATUS_SUCCESS;
        Irp->IoStatus.Information = 5;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_SUCCESS;
    case IRP_MJ_READ:
        SawRead = Location->Parameters.Read.Length == 8;
        RtlZeroMemory(Irp->AssociatedIrp.SystemBuffer, 8);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        Irp->IoStatus.Information = 8;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_SUCCESS;
    case IRP_MJ_CLEANUP:
        Cleanups++;
        ClosedAfterCancel = Cancelled;
        return LoadComplete(Irp, STATUS_SUCCESS);
    case IRP_MJ_CLOSE:
        LoadPlan(7);
        LoadOk(SameFile, "EveryRequestOfAHandleCarriesItsFileObject");
        LoadOk(UserMode1, "RequestsOfAUserThreadAreInUserMode");
        LoadOk(SawInput, "ControlRequestCarriesItsInput");
        LoadOk(SawWrite, "WriteCarriesItsData");
        LoadOk(SawRead, "ReadCarriesItsLength");
        LoadOk(Cancelled && Held == NULL, "CancelReachesTheCancelRoutine");
        LoadOk(Cleanups == 1 && ClosedAfterCancel, "CleanupComesBeforeClose");
        return LoadComplete(Irp, STATUS_SUCCESS);
    default:
        return LoadComplete(Irp, STATUS_SUCCESS);
    }
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    LoadDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Major;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
    {
        DriverObject->MajorFunction[Major] = Dispatch;
    }
    DriverObject->DriverUnload = Unload;
    Status = LoadCreateDevice(DriverObject, &Device);
    Device->Flags |= DO_BUFFERED_IO;
    return Status;
}
