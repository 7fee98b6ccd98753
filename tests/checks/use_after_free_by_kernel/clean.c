/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PKEVENT Event = CheckOpaque(ExAllocatePoolWithTag(NonPagedPool, sizeof(*Event), CHECK_TAG));

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    ExFreePoolWithTag(Event, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
