/* A dispatch routine of a user request returns in a guarded region. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeEnterGuardedRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
