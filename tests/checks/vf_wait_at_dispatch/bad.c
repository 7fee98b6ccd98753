/* A wait without a timeout at DISPATCH_LEVEL. */
#include "../check.h"

static KEVENT Event;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
