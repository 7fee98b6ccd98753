/*
 * Automatic checks of fast mutexes, ERESOURCEs and push locks: the IRQL and the APC state that their owner must have (0x33, 0x34,
 * 0x37 to 0x3A, 0x3D, 0xEA, 0xEB).
 */
#include "guest/include/vf.h"

VFTHUNK(ExAcquireFastMutex, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID FASTCALL VerifierExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    if (KeGetCurrentIrql() > APC_LEVEL)
    {
        VerifierBugCheck(0x33, KeGetCurrentIrql(), RD_ADDRESS(FastMutex), 0);
    }
    ExAcquireFastMutex(FastMutex);
}

VFTHUNK(ExReleaseFastMutex, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID FASTCALL VerifierExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    if (KeGetCurrentIrql() != APC_LEVEL)
    {
        VerifierBugCheck(0x34, KeGetCurrentIrql(), KiCurrentThread()->CombinedApcDisable,
            RD_ADDRESS(FastMutex));
    }
    ExReleaseFastMutex(FastMutex);
}

/* The unsafe forms leave it to the caller to keep APCs away: by IRQL, or by a region. */
static VOID VfCheckUnsafe(ULONG SubCode, PFAST_MUTEX FastMutex)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (Irql != APC_LEVEL && (Irql > APC_LEVEL || KiCurrentThread()->CombinedApcDisable == 0))
    {
        VerifierBugCheck(
            SubCode, Irql, KiCurrentThread()->CombinedApcDisable, RD_ADDRESS(FastMutex));
    }
}

VFTHUNK(ExAcquireFastMutexUnsafe, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID FASTCALL VerifierExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    VfCheckUnsafe(0x39, FastMutex);
    ExAcquireFastMutexUnsafe(FastMutex);
}

VFTHUNK(ExReleaseFastMutexUnsafe, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID FASTCALL VerifierExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    VfCheckUnsafe(0x3A, FastMutex);
    ExReleaseFastMutexUnsafe(FastMutex);
}

static VOID VfCheckResource(ULONG SubCode, PERESOURCE Resource)
{
    if (RD_ADDRESS(Resource) & 7)
    {
        VerifierBugCheck(0x3D, 0, 0, RD_ADDRESS(Resource));
    }
    if (KeGetCurrentIrql() < APC_LEVEL && !KeAreApcsDisabled() &&
        !KiCurrentThread()->SystemThread)
    {
        VerifierBugCheck(SubCode, KeGetCurrentIrql(), 0, RD_ADDRESS(Resource));
    }
}

VFTHUNK(ExAcquireResourceExclusiveLite, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) BOOLEAN NTAPI VerifierExAcquireResourceExclusiveLite(
    PERESOURCE Resource, BOOLEAN Wait)
{
    VfCheckResource(0x37, Resource);
    return ExAcquireResourceExclusiveLite(Resource, Wait);
}

VFTHUNK(ExAcquireResourceSharedLite, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) BOOLEAN NTAPI VerifierExAcquireResourceSharedLite(
    PERESOURCE Resource, BOOLEAN Wait)
{
    VfCheckResource(0x37, Resource);
    return ExAcquireResourceSharedLite(Resource, Wait);
}

VFTHUNK(ExReleaseResourceLite, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID FASTCALL VerifierExReleaseResourceLite(PERESOURCE Resource)
{
    VfCheckResource(0x38, Resource);
    ExReleaseResourceLite(Resource);
}

static VOID VfCheckPushLock(ULONG SubCode, PEX_PUSH_LOCK PushLock)
{
    if (KeGetCurrentIrql() < APC_LEVEL && !KeAreApcsDisabled())
    {
        VerifierBugCheck(SubCode, KeGetCurrentIrql(), KiCurrentThread()->CombinedApcDisable,
            RD_ADDRESS(PushLock));
    }
}

#define VF_PUSH_LOCK(name, subcode)                                                                \
    VOID FASTCALL name(PEX_PUSH_LOCK PushLock);                                                    \
    VOID FASTCALL Verifier##name(PEX_PUSH_LOCK PushLock);                                          \
    VFTHUNK(name, VF_OPTION_AUTOMATIC);                                                            \
    __attribute__((noinline)) VOID FASTCALL Verifier##name(PEX_PUSH_LOCK PushLock)                 \
    {                                                                                              \
        VfCheckPushLock(subcode, PushLock);                                                        \
        name(PushLock);                                                                            \
    }                                                                                              \
    _Static_assert(subcode, "")
#define VF_PUSH_LOCK_EX(name, subcode)                                                             \
    VOID FASTCALL name(PEX_PUSH_LOCK PushLock, ULONG Flags);                                       \
    VOID FASTCALL Verifier##name(PEX_PUSH_LOCK PushLock, ULONG Flags);                             \
    VFTHUNK(name, VF_OPTION_AUTOMATIC);                                                            \
    __attribute__((noinline)) VOID FASTCALL Verifier##name(PEX_PUSH_LOCK PushLock, ULONG Flags)    \
    {                                                                                              \
        VfCheckPushLock(subcode, PushLock);                                                        \
        name(PushLock, Flags);                                                                     \
    }                                                                                              \
    _Static_assert(subcode, "")

VF_PUSH_LOCK(ExfAcquirePushLockExclusive, 0xEA);
VF_PUSH_LOCK(ExfAcquirePushLockShared, 0xEA);
VF_PUSH_LOCK(ExfReleasePushLockExclusive, 0xEB);
VF_PUSH_LOCK(ExfReleasePushLockShared, 0xEB);
VF_PUSH_LOCK(ExfReleasePushLock, 0xEB);
VF_PUSH_LOCK_EX(ExAcquirePushLockExclusiveEx, 0xEA);
VF_PUSH_LOCK_EX(ExAcquirePushLockSharedEx, 0xEA);
VF_PUSH_LOCK_EX(ExReleasePushLockExclusiveEx, 0xEB);
VF_PUSH_LOCK_EX(ExReleasePushLockSharedEx, 0xEB);
