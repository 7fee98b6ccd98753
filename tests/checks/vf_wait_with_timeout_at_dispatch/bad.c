/* A wait for one of two objects with a timeout at DISPATCH_LEVEL. */
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
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeWaitForMultipleObjects(2, Objects, WaitAny, Executive, KernelMode, FALSE, &Timeout, NULL);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
