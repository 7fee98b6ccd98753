/*
 * Locks that also enter a critical region, on the driver's behalf and without the driver importing that routine
 * (nt-semantics K13): releasing leaves it.
 */
#include "guest/include/fltp.h"

NTSYSAPI VOID FASTCALL ExfAcquirePushLockExclusive(PEX_PUSH_LOCK PushLock);
NTSYSAPI VOID FASTCALL ExfAcquirePushLockShared(PEX_PUSH_LOCK PushLock);
NTSYSAPI VOID FASTCALL ExfReleasePushLock(PEX_PUSH_LOCK PushLock);

NTEXPORT(FltInitializePushLock, APC_LEVEL, "pushlock");
VOID FLTAPI FltInitializePushLock(PEX_PUSH_LOCK PushLock)
{
    *PushLock = 0;
}

NTEXPORT(FltDeletePushLock, APC_LEVEL, "pushlock");
VOID FLTAPI FltDeletePushLock(PEX_PUSH_LOCK PushLock)
{
    UNREFERENCED_PARAMETER(PushLock); /* nothing belongs to it but its word */
}

NTEXPORT(FltAcquirePushLockExclusive, APC_LEVEL, "pushlock");
VOID FLTAPI FltAcquirePushLockExclusive(PEX_PUSH_LOCK PushLock)
{
    KeEnterCriticalRegion();
    ExfAcquirePushLockExclusive(PushLock);
}

NTEXPORT(FltAcquirePushLockShared, APC_LEVEL, "pushlock");
VOID FLTAPI FltAcquirePushLockShared(PEX_PUSH_LOCK PushLock)
{
    KeEnterCriticalRegion();
    ExfAcquirePushLockShared(PushLock);
}

NTEXPORT(FltReleasePushLock, APC_LEVEL, "pushlock");
VOID FLTAPI FltReleasePushLock(PEX_PUSH_LOCK PushLock)
{
    ExfReleasePushLock(PushLock);
    KeLeaveCriticalRegion();
}

NTEXPORT(FltAcquireResourceExclusive, APC_LEVEL, "resource");
VOID FLTAPI FltAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
}

NTEXPORT(FltAcquireResourceShared, APC_LEVEL, "resource");
VOID FLTAPI FltAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
}

NTEXPORT(FltReleaseResource, APC_LEVEL, "resource");
VOID FLTAPI FltReleaseResource(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}
