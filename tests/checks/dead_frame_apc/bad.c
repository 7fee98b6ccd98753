/* A KAPC in a frame, queued to its own thread in a critical region, which is left when the frame has returned. */
#include "../check.h"
#include "apc.h"

static VOID NTAPI KernelRoutine(PKAPC Object, PAPC_NORMAL_ROUTINE *Normal, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI NormalRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static DECLSPEC_NOINLINE VOID QueueLocalApc(VOID)
{
    KAPC Apc;

    KeInitializeApc(&Apc, KeGetCurrentThread(), ApcOriginalEnvironment, KernelRoutine, NULL, NormalRoutine, KernelMode, NULL);
    KeInsertQueueApc(CheckOpaque(&Apc), NULL, NULL, IO_NO_INCREMENT);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeEnterCriticalRegion();
    QueueLocalApc();
    KeLeaveCriticalRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
