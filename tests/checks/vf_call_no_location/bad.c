/* A request is sent that has no stack location left. */
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

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    (VOID)NewRequest;
    (VOID)Send;
    (VOID)Done;
    IoSetNextIrpStackLocation(Irp);
    IoCallDriver(CheckLowerDevice(), Irp);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
