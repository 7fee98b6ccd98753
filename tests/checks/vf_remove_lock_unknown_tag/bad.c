/* A remove lock is released with a tag that nobody acquired it with. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    static IO_REMOVE_LOCK Lock;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoInitializeRemoveLock(&Lock, CHECK_TAG, 0, 0);
    IoAcquireRemoveLock(&Lock, &Lock);
    IoReleaseRemoveLock(&Lock, DeviceObject);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
