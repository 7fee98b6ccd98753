/* The twin of bad.c without the mistake. */
#include "../check.h"

static KSPIN_LOCK Lock;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeEnterCriticalRegion();
    KeAcquireSpinLock(&Lock, &Irql);
    KeReleaseSpinLock(&Lock, Irql);
    KeLeaveCriticalRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
