/* A timer outside the image is still armed when the driver is unloaded: its DPC runs in the image that is
 * gone. */
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
}
