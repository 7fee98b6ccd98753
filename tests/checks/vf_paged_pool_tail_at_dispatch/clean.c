/* The twin of bad.c: at APC_LEVEL they may be, to the last. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile UCHAR *Block = ExAllocatePoolWithTag(PagedPool, 30, CHECK_TAG);
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(APC_LEVEL, &Irql);
    Block[29] = 1;
    KeLowerIrql(Irql);
    ExFreePoolWithTag((PVOID)Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
