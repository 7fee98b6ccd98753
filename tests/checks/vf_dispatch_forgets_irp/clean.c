/* The twin of bad.c without the mistake. */
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

static DECLSPEC_NOINLINE NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static DECLSPEC_NOINLINE NTSTATUS NTAPI AnswerRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS);
}

PDRIVER_DISPATCH CheckLowerDispatch = AnswerRequest;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = NewRequest(IRP_MJ_READ);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Send(Irp);
    IoFreeIrp(Irp);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
