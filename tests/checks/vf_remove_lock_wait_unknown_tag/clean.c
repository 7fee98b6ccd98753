/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    static IO_REMOVE_LOCK Lock;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoInitializeRemoveLock(&Lock, CHECK_TAG, 0, 0);
    IoAcquireRemoveLock(&Lock, DeviceObject);
    IoReleaseRemoveLockAndWait(&Lock, DeviceObject);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
