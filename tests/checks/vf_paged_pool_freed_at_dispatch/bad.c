/* Paged pool is freed at DISPATCH_LEVEL. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;
    PVOID Block = ExAllocatePoolWithTag(PagedPool, 32, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ExFreePoolWithTag(Block, CHECK_TAG);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
