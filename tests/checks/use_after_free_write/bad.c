/* A pool block is written after it has been freed. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PUCHAR Block = CheckOpaque(ExAllocatePoolWithTag(NonPagedPool, 40, CHECK_TAG));

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlZeroMemory(Block, 40);
    ExFreePoolWithTag(Block, CHECK_TAG);
    ((volatile UCHAR *)Block)[39] = 1;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
