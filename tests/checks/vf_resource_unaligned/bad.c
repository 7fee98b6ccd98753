/* An ERESOURCE lies at an address that is not aligned. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    static ULONG64 Memory[sizeof(ERESOURCE) / 8 + 2];
    PERESOURCE Resource = (PERESOURCE)((PUCHAR)Memory + 4);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeResourceLite(Resource);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(Resource);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
