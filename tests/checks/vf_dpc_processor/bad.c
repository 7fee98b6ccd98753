/* A DPC is sent to a processor that there is not. */
#include "../check.h"

static KDPC Dpc;

static DECLSPEC_NOINLINE VOID NTAPI DpcRoutine(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
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
    KeInitializeDpc(&Dpc, DpcRoutine, NULL);
    KeSetTargetProcessorDpc(&Dpc, 100);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
