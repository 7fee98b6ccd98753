/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile ULONG *Block = ExAllocatePoolWithTag(NonPagedPool, sizeof(ULONG), CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    *Block = 0;
    ExFreePoolWithTag((PVOID)Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
