/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    EX_RUNDOWN_REF Rundown;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeRundownProtection(&Rundown);
    ExAcquireRundownProtection(&Rundown);
    ExReleaseRundownProtection(&Rundown);
    ExWaitForRundownProtectionRelease(&Rundown);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
