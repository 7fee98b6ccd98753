/* A power request is sent on although it has failed. */
#include "../check.h"

static DECLSPEC_NOINLINE NTSTATUS NTAPI AnswerRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
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

static DECLSPEC_NOINLINE VOID Send(VOID)
{
    PIRP Irp = IoAllocateIrp(CheckLowerDevice()->StackSize + 1, FALSE);

    IoSetNextIrpStackLocation(Irp);
    Irp->IoStatus.Status = STATUS_UNSUCCESSFUL;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_POWER;
    IoGetNextIrpStackLocation(Irp)->MinorFunction = IRP_MN_QUERY_POWER;
    IoSetCompletionRoutine(Irp, Done, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(CheckLowerDevice(), Irp);
    IoFreeIrp(Irp);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Send();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
