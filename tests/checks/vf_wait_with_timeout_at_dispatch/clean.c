/* The twin of bad.c without the mistake: the timeout is zero. */
#include "../check.h"

static KEVENT Event;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PVOID Objects[2] = {&Event, &Event};
    LARGE_INTEGER Timeout = CheckRelative(10);
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    Timeout.QuadPart = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeWaitForMultipleObjects(2, Objects, WaitAny, Executive, KernelMode, FALSE, &Timeout, NULL);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
