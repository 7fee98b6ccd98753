/* The twin of bad.c: the block is freed behind the call. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PKEVENT Event = ExAllocatePoolWithTag(NonPagedPool, sizeof *Event, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    KeSetEvent(CheckOpaque(Event), 0, FALSE);
    ExFreePoolWithTag(Event, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
