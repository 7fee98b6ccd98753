/* A cancel routine returns without releasing the cancel spin lock. */
#include "../check.h"

static VOID NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoSetNextIrpStackLocation(Irp);
    IoSetCancelRoutine(Irp, Cancel);
    IoCancelIrp(Irp);
    IoFreeIrp(Irp);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
