/* A spin lock is released after the IRQL has been lowered. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KSPIN_LOCK Lock;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLock(&Lock, &Irql);
    __writecr8(Irql);
    KeReleaseSpinLock(&Lock, Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
