/* A KDPC in a frame, queued at DISPATCH_LEVEL, runs when the frame has returned. */
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
