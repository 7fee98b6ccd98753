/* IRP_MN_REMOVE_DEVICE is failed. */
#include "../check.h"

static DECLSPEC_NOINLINE NTSTATUS NTAPI AnswerRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_UNSUCCESSFUL;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_UNSUCCESSFUL;
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
    PIRP Irp = IoAllocateIrp(CheckLowerDevice()->StackSize, FALSE);

    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_PNP;
    IoGetNextIrpStackLocation(Irp)->MinorFunction = IRP_MN_REMOVE_DEVICE;
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
