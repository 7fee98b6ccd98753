/*
 * Miscellaneous checks of handles (0x3C, 0xF5 to 0xF7) and of waits (0x123).
 */
#include "guest/include/obp.h"
#include "guest/include/vfmem.h"

static BOOLEAN VfIsKernelHandle(HANDLE Handle)
{
    return (RD_ADDRESS(Handle) & OBP_KERNEL_HANDLE) == OBP_KERNEL_HANDLE;
}

static BOOLEAN VfIsPseudoHandle(HANDLE Handle)
{
    return Handle == ZwCurrentProcess() || Handle == ZwCurrentThread();
}

/* A handle of the current process may be anybody's there: only kernel handles, or any in the System process, can be
 * trusted with KernelMode. */
VFTHUNK(ObReferenceObjectByHandle, VF_OPTION_MISC);
__attribute__((noinline)) NTSTATUS NTAPI VerifierObReferenceObjectByHandle(HANDLE Handle,
    ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, PVOID *Object,
    POBJECT_HANDLE_INFORMATION HandleInformation)
{
    PVOID Process = KiCurrentThread()->ApcState.Process;
    BOOLEAN System = Process == (PVOID)PsInitialSystemProcess;
    NTSTATUS Status;

    if (Handle == NULL)
    {
        VerifierBugCheck(0xF5, 0, RD_ADDRESS(ObjectType), 0);
    }
    if (AccessMode == KernelMode && !VfIsPseudoHandle(Handle) && !VfIsKernelHandle(Handle) && !System)
    {
        VerifierBugCheck(
            0xF6, RD_ADDRESS(Handle), RD_ADDRESS(Process), RD_ADDRESS(__builtin_return_address(0)));
    }
    if (AccessMode == UserMode && VfIsKernelHandle(Handle) && !VfIsPseudoHandle(Handle) && System)
    {
        VerifierBugCheck(0xF7, RD_ADDRESS(Handle), RD_ADDRESS(ObjectType), AccessMode);
    }
    Status = ObReferenceObjectByHandle(
        Handle, DesiredAccess, ObjectType, AccessMode, Object, HandleInformation);
    if (Status == STATUS_INVALID_HANDLE && AccessMode == KernelMode)
    {
        VerifierBugCheck(0x3C, RD_ADDRESS(Handle), RD_ADDRESS(ObjectType), 0);
    }
    return Status;
}
