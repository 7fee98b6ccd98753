/* The twin of bad.c: it is freed when its routine has run. */
#include "../check.h"

static PIO_WORKITEM Item;
static KEVENT Done;

static VOID NTAPI WorkRoutine(PDEVICE_OBJECT Device, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Done, 0, FALSE);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Item = IoAllocateWorkItem(CheckLowerDevice());
    IoQueueWorkItem(Item, WorkRoutine, DelayedWorkQueue, NULL);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(Item);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
