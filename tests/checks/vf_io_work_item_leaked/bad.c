/* An I/O work item is still allocated when the driver is unloaded. */
#include "../check.h"

static PIO_WORKITEM Item;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Item = IoAllocateWorkItem(DeviceObject);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
