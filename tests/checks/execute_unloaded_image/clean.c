/* An I/O work item holds the device, so the driver, until its routine has returned. */
#include "../check.h"

static VOID NTAPI WorkRoutine(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoFreeWorkItem(Context);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(DeviceObject);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    if (Item != NULL)
    {
        IoQueueWorkItem(Item, WorkRoutine, DelayedWorkQueue, Item);
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
