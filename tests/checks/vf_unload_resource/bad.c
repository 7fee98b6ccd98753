/* An ERESOURCE in the image has not been deleted when the driver is unloaded. */
#include "../check.h"

static ERESOURCE Resource;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeResourceLite(&Resource);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
