/* The twin of bad.c without the mistake. */
#include "../check.h"

static ULONG Memory[4];

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    IO_STATUS_BLOCK Iosb;
    LARGE_INTEGER Offset = {{0, 0}};
    PIRP Irp;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, CheckLowerDevice(), Memory, sizeof(Memory), &Offset, &Iosb);
    IoFreeIrp(Irp);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
