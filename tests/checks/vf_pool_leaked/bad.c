/* Two blocks are still allocated when the driver is unloaded. */
#include "../check.h"

static PVOID Blocks[2];

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Blocks[0] = ExAllocatePoolWithTag(NonPagedPool, 24, CHECK_TAG);
    Blocks[1] = ExAllocatePoolWithTag(PagedPool, 100, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
