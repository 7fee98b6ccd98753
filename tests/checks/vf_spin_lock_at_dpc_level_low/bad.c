/* KeAcquireSpinLockAtDpcLevel is called at PASSIVE_LEVEL. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KSPIN_LOCK Lock;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeSpinLock(&Lock);
    Irql = PASSIVE_LEVEL;
    KeAcquireSpinLockAtDpcLevel(&Lock);
    KeReleaseSpinLockFromDpcLevel(&Lock);
    __writecr8(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
