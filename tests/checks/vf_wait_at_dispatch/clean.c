/* The twin of bad.c without the mistake: the IRQL is lowered before the wait. */
#include "../check.h"

static KEVENT Event;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeLowerIrql(Irql);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
