/* Pool is freed above DISPATCH_LEVEL. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, 32, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &Irql);
    ExFreePoolWithTag(Block, CHECK_TAG);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
