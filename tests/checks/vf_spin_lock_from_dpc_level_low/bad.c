/* KeReleaseSpinLockFromDpcLevel is called at PASSIVE_LEVEL. */
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
    KeReleaseSpinLockFromDpcLevel(&Lock);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
