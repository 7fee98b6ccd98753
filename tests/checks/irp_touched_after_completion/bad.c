/* The result of a request is read after its completion routine has freed it. */
#include "../check.h"

static NTSTATUS NTAPI Free(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(Irp, Free, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(CheckLowerDevice(), Irp);
    return ((volatile IRP *)Irp)->IoStatus.Status;
}

VOID CheckUnload(VOID)
{
}
