/* The twin of bad.c, which cancels its timer and waits for a DPC that is under way. */
#include "../check.h"

typedef struct _ARMED
{
    KTIMER Timer;
    KDPC Dpc;
} ARMED;

static ARMED *Armed;

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
    Armed = MmAllocateNonCachedMemory(sizeof(*Armed));
    KeInitializeDpc(&Armed->Dpc, TimerRoutine, NULL);
    KeInitializeTimer(&Armed->Timer);
    KeSetTimer(&Armed->Timer, CheckRelative(1000), &Armed->Dpc);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    KeCancelTimer(&Armed->Timer);
    KeFlushQueuedDpcs();
    MmFreeNonCachedMemory(Armed, sizeof(*Armed));
}
