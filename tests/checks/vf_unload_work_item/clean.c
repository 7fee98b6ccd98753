/* The twin of bad.c: an I/O work item holds its device, and so the driver. */
#include "../check.h"

static PIO_WORKITEM Item;

static VOID NTAPI WorkRoutine(PDEVICE_OBJECT Device, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    IoFreeWorkItem(Item);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Item = IoAllocateWorkItem(CheckLowerDevice());
    IoQueueWorkItem(Item, WorkRoutine, DelayedWorkQueue, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
