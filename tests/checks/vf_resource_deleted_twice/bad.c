/* An ERESOURCE is deleted that is not initialised any more. */
#include "../check.h"

static ERESOURCE Resource;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeResourceLite(&Resource);
    ExDeleteResourceLite(&Resource);
    ExDeleteResourceLite(&Resource);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
