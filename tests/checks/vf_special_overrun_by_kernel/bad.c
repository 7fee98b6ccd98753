/* The kernel fills memory beyond a block of special pool. */
#include "../check.h"

#undef RtlFillMemory
VOID NTAPI RtlFillMemory(PVOID Destination, SIZE_T Length, UCHAR Fill);
static volatile SIZE_T Length = 48;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, 40, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlFillMemory(CheckOpaque(Block), Length, 7);
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
