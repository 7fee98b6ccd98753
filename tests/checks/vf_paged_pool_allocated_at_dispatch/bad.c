/* Paged pool is allocated at DISPATCH_LEVEL. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;
    PVOID Block;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Block = ExAllocatePoolWithTag(PagedPool, 32, CHECK_TAG);
    KeLowerIrql(Irql);
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
