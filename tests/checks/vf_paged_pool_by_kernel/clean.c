/* The twin of bad.c: it does so at PASSIVE_LEVEL. */
#include "../check.h"

static ULONG64 Place[4];
static volatile SIZE_T Equal;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PVOID Block = ExAllocatePoolWithTag(PagedPool, 32, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlZeroMemory(Block, 32);
    Equal = RtlCompareMemory(Block, Place, 32);
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
