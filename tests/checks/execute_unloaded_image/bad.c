/* A work item of the kind that holds nothing is queued, and nobody waits for it before unload. */
#include "../check.h"

static WORK_QUEUE_ITEM Item;

static VOID NTAPI WorkRoutine(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeWorkItem(&Item, WorkRoutine, NULL);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
