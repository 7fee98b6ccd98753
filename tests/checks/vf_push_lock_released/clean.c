/* The twin of bad.c without the mistake. */
#include "../check.h"

static EX_PUSH_LOCK Lock;

NTSYSAPI VOID FASTCALL ExfAcquirePushLockShared(PEX_PUSH_LOCK PushLock);
NTSYSAPI VOID FASTCALL ExfReleasePushLockShared(PEX_PUSH_LOCK PushLock);

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeEnterCriticalRegion();
    ExfAcquirePushLockShared(&Lock);
    ExfReleasePushLockShared(&Lock);
    KeLeaveCriticalRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
