/* The byte behind a pool block of 37 bytes is read: the last granule is valid in part only. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PUCHAR Block = CheckOpaque(ExAllocatePoolWithTag(NonPagedPool, 37, CHECK_TAG));
    volatile UCHAR Seen;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlZeroMemory(Block, 37);
    Seen = ((volatile UCHAR *)Block)[37];
    UNREFERENCED_PARAMETER(Seen);
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
