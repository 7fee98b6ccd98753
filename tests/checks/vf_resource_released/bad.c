/* An ERESOURCE is released after its critical region has been left. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    static ERESOURCE Resource;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeResourceLite(&Resource);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    KeLeaveCriticalRegion();
    ExReleaseResourceLite(&Resource);
    ExDeleteResourceLite(&Resource);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
