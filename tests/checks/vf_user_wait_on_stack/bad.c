/* A wait in UserMode for an event on the stack. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KEVENT Event;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    KeWaitForSingleObject(&Event, Executive, UserMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
