/* The twin of bad.c: it is deleted once. */
#include "../check.h"

static ERESOURCE Resource;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeResourceLite(&Resource);
    ExDeleteResourceLite(&Resource);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
