/* An event is made in paged pool. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PKEVENT Event = ExAllocatePoolWithTag(PagedPool, sizeof *Event, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(Event, NotificationEvent, TRUE);
    ExFreePoolWithTag(Event, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
