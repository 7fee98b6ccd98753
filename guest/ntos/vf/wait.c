/*
 * Waits of verified drivers: the IRQL (automatic: 0x120 to 0x122; a wait at DISPATCH_LEVEL may only look, with a timeout of
 * zero), and objects on the stack of a thread that waits in UserMode (miscellaneous checks: 0x123): the stack of such a
 * thread may be written to disk, and with it the object that others signal.
 */
#include "guest/include/vf.h"

static VOID VfCheckWaitIrql(PVOID Object, const LARGE_INTEGER *Timeout)
{
    ULONG64 Irql = KeGetCurrentIrql();

    if (Irql > DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x120, RD_ADDRESS(&Irql), RD_ADDRESS(&Object), RD_ADDRESS(&Timeout));
    }
    if (Irql == DISPATCH_LEVEL && Timeout == NULL)
    {
        VerifierBugCheck(0x121, RD_ADDRESS(&Irql), RD_ADDRESS(&Object), RD_ADDRESS(&Timeout));
    }
    if (Irql == DISPATCH_LEVEL && Timeout->QuadPart != 0)
    {
        VerifierBugCheck(0x122, RD_ADDRESS(&Irql), RD_ADDRESS(&Object), RD_ADDRESS(&Timeout));
    }
}

static VOID VfCheckWaitObject(PVOID Object, KPROCESSOR_MODE Mode)
{
    PKTHREAD Thread = KiCurrentThread();

    if (Mode == UserMode && VfIsOptionEnabled(VF_OPTION_MISC) &&
        RD_ADDRESS(Object) >= RD_ADDRESS(Thread->StackLimit) &&
        RD_ADDRESS(Object) < RD_ADDRESS(Thread->InitialStack))
    {
        VerifierBugCheck(0x123, RD_ADDRESS(Object), 0, 0);
    }
}

VFTHUNK(KeWaitForSingleObject, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) NTSTATUS NTAPI VerifierKeWaitForSingleObject(PVOID Object,
    KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    VfCheckWaitIrql(Object, Timeout);
    VfCheckWaitObject(Object, WaitMode);
    return KeWaitForSingleObject(Object, WaitReason, WaitMode, Alertable, Timeout);
}

VFTHUNK(KeWaitForMultipleObjects, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) NTSTATUS NTAPI VerifierKeWaitForMultipleObjects(ULONG Count,
    PVOID Objects[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
    BOOLEAN Alertable, PLARGE_INTEGER Timeout, PKWAIT_BLOCK WaitBlockArray)
{
    VfCheckWaitIrql(Count != 0 ? Objects[0] : NULL, Timeout);
    for (ULONG Index = 0; Index < Count && WaitMode == UserMode; Index++)
    {
        VfCheckWaitObject(Objects[Index], WaitMode);
    }
    return KeWaitForMultipleObjects(
        Count, Objects, WaitType, WaitReason, WaitMode, Alertable, Timeout, WaitBlockArray);
}
