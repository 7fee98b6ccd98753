/* The twin of bad.c: the unload routine cancels it. */
#include "../check.h"

static KTIMER Timer;
static KDPC Dpc;

static VOID NTAPI TimerRoutine(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeDpc(&Dpc, TimerRoutine, NULL);
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, CheckRelative(1000), &Dpc);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
}
