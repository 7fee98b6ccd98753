/* The twin of bad.c without the mistake. */
#include "../check.h"
#include "apc.h"

static KAPC Apc;

static VOID NTAPI KernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext, PVOID *Argument1,
                                PVOID *Argument2)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeLowerIrql(Irql);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeApc(&Apc, KeGetCurrentThread(), ApcOriginalEnvironment, KernelRoutine, NULL, NULL, KernelMode, NULL);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
