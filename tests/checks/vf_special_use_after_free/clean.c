/* The twin of bad.c: it is written before. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile UCHAR *Block = ExAllocatePoolWithTag(NonPagedPool, 40, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Block[8] = 1;
    ExFreePoolWithTag(CheckOpaque((PVOID)Block), CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
