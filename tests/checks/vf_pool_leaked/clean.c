/* The twin of bad.c: the unload routine frees them. */
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
    ExFreePoolWithTag(Blocks[0], CHECK_TAG);
    ExFreePoolWithTag(Blocks[1], CHECK_TAG);
}
