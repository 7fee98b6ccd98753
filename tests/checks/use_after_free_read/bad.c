/* A pool block is read after it has been freed. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PUCHAR Block = CheckOpaque(ExAllocatePoolWithTag(NonPagedPool, 40, CHECK_TAG));
    volatile UCHAR Seen;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlZeroMemory(Block, 40);
    ExFreePoolWithTag(Block, CHECK_TAG);
    Seen = ((volatile UCHAR *)Block)[8];
    UNREFERENCED_PARAMETER(Seen);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
