/* The twin of bad.c: the unload routine deletes it. */
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
    ExDeleteResourceLite(&Resource);
}
