/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KEVENT Event;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    __writecr8(DISPATCH_LEVEL);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    __writecr8(PASSIVE_LEVEL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
