/* A work item in paged pool is queued. */
#include "../check.h"

static WORK_QUEUE_ITEM *Item;
static KEVENT Done;

static VOID NTAPI WorkRoutine(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Done, 0, FALSE);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Item = ExAllocatePoolWithTag(PagedPool, sizeof *Item, CHECK_TAG);
    ExInitializeWorkItem(Item, WorkRoutine, NULL);
    ExQueueWorkItem(Item, DelayedWorkQueue);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    ExFreePoolWithTag(Item, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
