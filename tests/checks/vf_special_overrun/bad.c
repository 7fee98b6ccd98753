/* The byte behind a block of special pool is read. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile UCHAR *Block = ExAllocatePoolWithTag(NonPagedPool, 40, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Block[39] = Block[40];
    ExFreePoolWithTag((PVOID)Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
