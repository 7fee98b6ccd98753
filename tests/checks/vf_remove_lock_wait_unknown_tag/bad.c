/* IoReleaseRemoveLockAndWait is given a tag that nobody acquired the lock with. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    static IO_REMOVE_LOCK Lock;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoInitializeRemoveLock(&Lock, CHECK_TAG, 0, 0);
    IoAcquireRemoveLock(&Lock, &Lock);
    IoReleaseRemoveLockAndWait(&Lock, DeviceObject);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
