/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    static ULONG64 Memory[sizeof(ERESOURCE) / 8 + 2];
    PERESOURCE Resource = (PERESOURCE)((PUCHAR)Memory + 8);

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
