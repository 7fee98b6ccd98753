/* A critical region is entered at DISPATCH_LEVEL. */
#include "../check.h"

static KSPIN_LOCK Lock;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeAcquireSpinLock(&Lock, &Irql);
    KeEnterCriticalRegion();
    KeReleaseSpinLock(&Lock, Irql);
    KeLeaveCriticalRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
