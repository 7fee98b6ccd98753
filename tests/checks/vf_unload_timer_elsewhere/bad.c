/* A timer outside the image is armed when the driver is unloaded, and its DPC routine lies in the image. */
#include "../check.h"

typedef struct _TIMER_PAGE
{
    KTIMER Timer;
    KDPC Dpc;
} TIMER_PAGE;

static TIMER_PAGE *Page;

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
    Page = MmAllocateNonCachedMemory(PAGE_SIZE);
    KeInitializeDpc(&Page->Dpc, TimerRoutine, NULL);
    KeInitializeTimer(&Page->Timer);
    KeSetTimer(&Page->Timer, CheckRelative(1000), &Page->Dpc);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
