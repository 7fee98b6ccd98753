/* The kernel compares paged pool at DISPATCH_LEVEL. */
#include "../check.h"

static ULONG64 Place[4];
static volatile SIZE_T Equal;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PVOID Block = ExAllocatePoolWithTag(PagedPool, 32, CHECK_TAG);
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlZeroMemory(Block, 32);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Equal = RtlCompareMemory(Block, Place, 32);
    KeLowerIrql(Irql);
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
