/* A DPC that is queued when Unload returns allocates pool. */
#include "../check.h"

static KDPC Dpc;

static VOID NTAPI DpcRoutine(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, 32, CHECK_TAG);

    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExFreePoolWithTag(Block, CHECK_TAG);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeDpc(&Dpc, DpcRoutine, NULL);
    KeSetTargetProcessorDpc(&Dpc, 0);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    KeInsertQueueDpc(&Dpc, NULL, NULL);
}
