/* A request without a location left is sent on. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoSetNextIrpStackLocation(Irp);
    IoCallDriver(CheckLowerDevice(), Irp);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
