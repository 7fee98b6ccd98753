/* The twin of bad.c: the routine is not pageable. */
#include "../check.h"

static KSPIN_LOCK Lock;
static volatile ULONG Count;

__attribute__((section(".text"), noinline)) static VOID Counter(VOID)
{
    KIRQL Irql;

    KeAcquireSpinLock(&Lock, &Irql);
    Count++;
    KeReleaseSpinLock(&Lock, Irql);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeSpinLock(&Lock);
    Counter();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
