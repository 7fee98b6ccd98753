/* The twin of bad.c without the mistake: in KernelMode the stack stays where it is. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KEVENT Event;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
