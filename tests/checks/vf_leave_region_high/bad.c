/* A critical region is left at DISPATCH_LEVEL. */
#include "../check.h"

static KSPIN_LOCK Lock;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeEnterCriticalRegion();
    KeAcquireSpinLock(&Lock, &Irql);
    KeLeaveCriticalRegion();
    KeReleaseSpinLock(&Lock, Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
