/* The middle of a block of special pool is freed. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PUCHAR Block = ExAllocatePoolWithTag(NonPagedPool, 64, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExFreePoolWithTag(CheckOpaque(Block + 16), CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
