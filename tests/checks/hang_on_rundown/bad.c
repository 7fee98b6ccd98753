/* A holder of run-down protection waits for its release. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    EX_RUNDOWN_REF Rundown;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeRundownProtection(&Rundown);
    ExAcquireRundownProtection(&Rundown);
    ExWaitForRundownProtectionRelease(&Rundown);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
