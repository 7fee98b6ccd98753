/* A work item of the kind that holds nothing is queued, and nobody waits for it before unload. */
#include "../check.h"

static VOID NTAPI WorkRoutine(PVOID Context)
{
    ExFreePoolWithTag(Context, CHECK_TAG);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PWORK_QUEUE_ITEM Item = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Item), CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeWorkItem(Item, WorkRoutine, Item);
    ExQueueWorkItem(Item, DelayedWorkQueue);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
