/* A work item is still queued when the driver is unloaded. */
#include "../check.h"

static WORK_QUEUE_ITEM *Item;

static VOID NTAPI WorkRoutine(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Item = MmAllocateNonCachedMemory(PAGE_SIZE);
    ExInitializeWorkItem(Item, WorkRoutine, NULL);
    ExQueueWorkItem(Item, CriticalWorkQueue);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
