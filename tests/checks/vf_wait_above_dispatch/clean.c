/* The twin of bad.c without the mistake: to look is allowed up to DISPATCH_LEVEL. */
#include "../check.h"

static KEVENT Event;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    LARGE_INTEGER Zero = {{0, 0}};
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Zero);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
