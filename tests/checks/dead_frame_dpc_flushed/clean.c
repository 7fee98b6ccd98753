/* The twin of bad.c without the mistake: what is queued is waited for. */
#include "../check.h"

static KTIMER Timer;
static KDPC Dpc;
static volatile LONG Sum;

static VOID NTAPI DpcRoutine(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context);
}

static DECLSPEC_NOINLINE VOID CountWithDpc(VOID)
{
    volatile LONG Count = 0;

    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, DpcRoutine, (PVOID)&Count);
    KeSetTimer(&Timer, CheckRelative(10), &Dpc);
    if (!KeCancelTimer(&Timer))
    {
        KeFlushQueuedDpcs();
    }
    Sum += Count;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    LARGE_INTEGER Interval = CheckRelative(20);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    CountWithDpc();
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
