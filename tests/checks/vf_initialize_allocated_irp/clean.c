/* The twin of bad.c without the mistake: IoReuseIrp is for those. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoReuseIrp(Irp, STATUS_SUCCESS);
    IoFreeIrp(Irp);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
