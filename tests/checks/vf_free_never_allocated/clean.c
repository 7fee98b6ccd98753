/* The twin of bad.c: it is given memory of the pool. */
#include "../check.h"

static ULONG64 Place[8];

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, sizeof Place, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlCopyMemory(Block, &Place, sizeof Place);
    ExFreePoolWithTag(CheckOpaque(Block), CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
