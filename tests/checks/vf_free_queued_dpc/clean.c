/* The twin of bad.c: the DPC has run. */
#include "../check.h"

static VOID NTAPI DpcRoutine(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;
    PKDPC Block = ExAllocatePoolWithTag(NonPagedPool, sizeof *Block, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeDpc(Block, DpcRoutine, NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeInsertQueueDpc(Block, NULL, NULL);
    KeLowerIrql(Irql);
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
