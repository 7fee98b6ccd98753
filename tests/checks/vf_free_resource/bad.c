/* A block is freed with an ERESOURCE in it that has not been deleted. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PERESOURCE Resource = ExAllocatePoolWithTag(NonPagedPool, sizeof *Resource, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeResourceLite(Resource);
    ExFreePoolWithTag(Resource, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
