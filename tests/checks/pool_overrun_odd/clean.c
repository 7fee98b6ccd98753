/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PUCHAR Block = CheckOpaque(ExAllocatePoolWithTag(NonPagedPool, 37, CHECK_TAG));
    volatile UCHAR Seen;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlZeroMemory(Block, 37);
    Seen = ((volatile UCHAR *)Block)[36];
    UNREFERENCED_PARAMETER(Seen);
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
