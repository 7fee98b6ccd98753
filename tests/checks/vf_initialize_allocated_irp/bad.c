/* IoInitializeIrp is given a request that IoAllocateIrp made. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoInitializeIrp(Irp, IoSizeOfIrp(1), 1);
    IoFreeIrp(Irp);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
