/* A completion routine sees PendingReturned and does not mark the request. */
#include "../check.h"

static PIRP NewRequest(UCHAR Major)
{
    PIRP Irp = IoAllocateIrp(CheckLowerDevice()->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = Major;
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    return Irp;
}

static DECLSPEC_NOINLINE NTSTATUS NTAPI Done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static DECLSPEC_NOINLINE NTSTATUS Send(PIRP Irp)
{
    NTSTATUS Status;

    IoSetCompletionRoutine(Irp, Done, NULL, TRUE, TRUE, TRUE);
    Status = IoCallDriver(CheckLowerDevice(), Irp);
    return Status;
}

static PDEVICE_OBJECT Upper;

static NTSTATUS NTAPI Passed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static DECLSPEC_NOINLINE NTSTATUS NTAPI AnswerRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == Upper)
    {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, Passed, NULL, TRUE, TRUE, TRUE);
        return IoCallDriver(CheckLowerDevice(), Irp);
    }
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_READ)
    {
        IoMarkIrpPending(Irp);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_PENDING;
}

PDRIVER_DISPATCH CheckLowerDispatch = AnswerRequest;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoCreateDevice(DeviceObject->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Upper);
    Upper->StackSize = 2;
    Irp = IoAllocateIrp(2, FALSE);
    (VOID)NewRequest;
    (VOID)Send;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, Done, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Upper, Irp);
    IoFreeIrp(Irp);
    IoDeleteDevice(Upper);
    Upper = NULL;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
