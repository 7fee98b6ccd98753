/* The twin of bad.c: the unload routine frees it. */
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
    IoFreeWorkItem(Item);
}
