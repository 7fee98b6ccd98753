/* The twin of bad.c without the mistake. */
#include "../check.h"

/* The blocker keeps the one worker of the critical queue busy, so that the item stays in the
 * queue. */
static WORK_QUEUE_ITEM Blocker, Item;
static KEVENT Go, Done;

static VOID NTAPI BlockerRoutine(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
}

static VOID NTAPI WorkRoutine(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    KeInitializeEvent(&Done, SynchronizationEvent, FALSE);
    ExInitializeWorkItem(&Blocker, BlockerRoutine, NULL);
    ExQueueWorkItem(&Blocker, CriticalWorkQueue);
    ExInitializeWorkItem(&Item, WorkRoutine, NULL);
    ExQueueWorkItem(&Item, CriticalWorkQueue);
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    ExQueueWorkItem(&Item, CriticalWorkQueue);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
