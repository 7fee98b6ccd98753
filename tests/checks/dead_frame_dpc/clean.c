/* The twin of bad.c without the mistake: it is taken off the queue. */
#include "../check.h"

static VOID NTAPI DpcRoutine(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static DECLSPEC_NOINLINE VOID QueueLocalDpc(VOID)
{
    KDPC Dpc;

    KeInitializeDpc(&Dpc, DpcRoutine, NULL);
    KeInsertQueueDpc(CheckOpaque(&Dpc), NULL, NULL);
    KeRemoveQueueDpc(&Dpc);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    QueueLocalDpc();
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
