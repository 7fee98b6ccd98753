/* A device is detached in IRP_MN_SURPRISE_REMOVAL. */
#include "../check.h"
#include "../pnp.h"

static DECLSPEC_NOINLINE NTSTATUS NTAPI AnswerRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status;

    if (DeviceObject == Upper && IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_PNP)
    {
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(CheckLowerDevice(), Irp);
        IoDetachDevice(CheckLowerDevice());
        return Status;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

PDRIVER_DISPATCH CheckLowerDispatch = AnswerRequest;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    SendPnp(DeviceObject, IRP_MN_SURPRISE_REMOVAL);
    IoDeleteDevice(Upper);
    Upper = NULL;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
