/* A freed block of special pool is written. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile UCHAR *Block = ExAllocatePoolWithTag(NonPagedPool, 40, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExFreePoolWithTag(CheckOpaque((PVOID)Block), CHECK_TAG);
    Block[8] = 1;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
