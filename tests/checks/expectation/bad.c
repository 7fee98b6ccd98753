/* The driver answers with another status than the scenario states. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return STATUS_ACCESS_DENIED;
}

VOID CheckUnload(VOID)
{
}
