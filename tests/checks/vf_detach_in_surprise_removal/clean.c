/* The twin of bad.c without the mistake. */
#include "../check.h"

static PDEVICE_OBJECT Upper;

static DECLSPEC_NOINLINE NTSTATUS NTAPI AnswerRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status;

    if (DeviceObject == Upper && IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_PNP)
    {
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(CheckLowerDevice(), Irp);
        return Status;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

PDRIVER_DISPATCH CheckLowerDispatch = AnswerRequest;

static DECLSPEC_NOINLINE NTSTATUS NTAPI Done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static DECLSPEC_NOINLINE VOID SendPnp(PDEVICE_OBJECT DeviceObject)
{
    PIRP Irp;

    IoCreateDevice(DeviceObject->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Upper);
    CheckLowerDevice()->Flags &= ~DO_DEVICE_INITIALIZING;
    IoAttachDeviceToDeviceStack(Upper, CheckLowerDevice());
    Irp = IoAllocateIrp(Upper->StackSize, FALSE);
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_PNP;
    IoGetNextIrpStackLocation(Irp)->MinorFunction = IRP_MN_SURPRISE_REMOVAL;
    IoSetCompletionRoutine(Irp, Done, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Upper, Irp);
    IoFreeIrp(Irp);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    SendPnp(DeviceObject);
    IoDetachDevice(CheckLowerDevice());
    IoDeleteDevice(Upper);
    Upper = NULL;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
