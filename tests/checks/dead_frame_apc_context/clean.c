/* The twin of bad.c without the mistake: the APC is delivered before the function returns. */
#include "../check.h"
#include "apc.h"

static KAPC Apc;
static volatile LONG Sum;

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
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context);
}

static DECLSPEC_NOINLINE VOID CountWithApc(VOID)
{
    volatile LONG Count = 0;

    KeInitializeApc(&Apc, KeGetCurrentThread(), ApcOriginalEnvironment, KernelRoutine, NULL, NormalRoutine, KernelMode,
                    (PVOID)&Count);
    KeInsertQueueApc(&Apc, NULL, NULL, IO_NO_INCREMENT);
    KeLeaveCriticalRegion();
    Sum += Count;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeEnterCriticalRegion();
    CountWithApc();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
