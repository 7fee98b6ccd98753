/* A push lock is acquired with APCs enabled. */
#include "../check.h"

static EX_PUSH_LOCK Lock;

NTSYSAPI VOID FASTCALL ExfAcquirePushLockExclusive(PEX_PUSH_LOCK PushLock);
NTSYSAPI VOID FASTCALL ExfReleasePushLockExclusive(PEX_PUSH_LOCK PushLock);

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExfAcquirePushLockExclusive(&Lock);
    KeEnterCriticalRegion();
    ExfReleasePushLockExclusive(&Lock);
    KeLeaveCriticalRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
