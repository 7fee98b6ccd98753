/* An event in freed pool is set: the access is the kernel's, the mistake the driver's. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PKEVENT Event = CheckOpaque(ExAllocatePoolWithTag(NonPagedPool, sizeof(*Event), CHECK_TAG));

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    ExFreePoolWithTag(Event, CHECK_TAG);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
