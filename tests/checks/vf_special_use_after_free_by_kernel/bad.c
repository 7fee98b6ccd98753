/* The kernel is given an event in a freed block of special pool. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PKEVENT Event = ExAllocatePoolWithTag(NonPagedPool, sizeof *Event, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    ExFreePoolWithTag(Event, CHECK_TAG);
    KeSetEvent(CheckOpaque(Event), 0, FALSE);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
