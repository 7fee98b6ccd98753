/* A block is freed with a lookaside list in it that has not been deleted. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PNPAGED_LOOKASIDE_LIST Block = ExAllocatePoolWithTag(NonPagedPool, sizeof *Block, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeNPagedLookasideList(Block, NULL, NULL, 0, 32, CHECK_TAG, 0);
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
