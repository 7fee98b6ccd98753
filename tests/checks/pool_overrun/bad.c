/* The byte behind a pool block of 40 bytes is written. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PUCHAR Block = CheckOpaque(ExAllocatePoolWithTag(NonPagedPool, 40, CHECK_TAG));

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlZeroMemory(Block, 40);
    ((volatile UCHAR *)Block)[40] = 1;
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
