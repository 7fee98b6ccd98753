/* The twin of bad.c: it is freed when the routine has run. */
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
    Item = ExAllocatePoolWithTag(NonPagedPool, sizeof *Item, CHECK_TAG);
    ExInitializeWorkItem(Item, WorkRoutine, NULL);
    ExQueueWorkItem(Item, DelayedWorkQueue);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    ExFreePoolWithTag(Item, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
