/* The twin of bad.c: it is deleted first. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PERESOURCE Resource = ExAllocatePoolWithTag(NonPagedPool, sizeof *Resource, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeResourceLite(Resource);
    ExDeleteResourceLite(Resource);
    ExFreePoolWithTag(Resource, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
