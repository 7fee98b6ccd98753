/* The twin of bad.c: its start is. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PUCHAR Block = ExAllocatePoolWithTag(NonPagedPool, 64, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExFreePoolWithTag(CheckOpaque(Block), CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
