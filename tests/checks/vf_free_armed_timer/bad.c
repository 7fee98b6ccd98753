/* A block is freed with an armed timer in it. */
#include "../check.h"

static KDPC Dpc;
typedef struct _TIMER_BLOCK
{
    KTIMER Timer;
} TIMER_BLOCK;

static VOID NTAPI TimerRoutine(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    TIMER_BLOCK *Block = ExAllocatePoolWithTag(NonPagedPool, sizeof *Block, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeDpc(&Dpc, TimerRoutine, NULL);
    KeInitializeTimer(&Block->Timer);
    KeSetTimer(&Block->Timer, CheckRelative(1000), &Dpc);
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
