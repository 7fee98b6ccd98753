/* I/O verification of device stacks: creation, detachment and deletion by verified drivers (verifier.md 5b). */
#include "guest/include/vf.h"

VFTHUNK(IoDeleteDevice, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    ULONG_PTR Caller = RD_ADDRESS(__builtin_return_address(0));
    PIOP_DEVOBJ_EXTENSION Extension = IopExtensionOf(DeviceObject);

    if (Extension->ExtensionFlags & (DOE_DELETE_PENDING | DOE_REMOVE_PROCESSED))
    {
        VerifierIoBugCheck(0x240, Caller, RD_ADDRESS(DeviceObject), 0);
    }
    if (VfIsDeviceHandling(DeviceObject, IRP_MJ_PNP, IRP_MN_SURPRISE_REMOVAL))
    {
        VerifierIoBugCheck(0x242, Caller, RD_ADDRESS(DeviceObject), 0);
    }
    if (Extension->AttachedTo != NULL)
    {
        VerifierIoBugCheck(0x201, Caller, RD_ADDRESS(DeviceObject), RD_ADDRESS(Extension->AttachedTo));
    }
    VfNoteCallsOfDevice(DeviceObject, RD_VF_CALL_DELETED);
    IoDeleteDevice(DeviceObject);
}

VFTHUNK(IoDetachDevice, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoDetachDevice(PDEVICE_OBJECT TargetDevice)
{
    ULONG_PTR Caller = RD_ADDRESS(__builtin_return_address(0));
    PDEVICE_OBJECT Upper = TargetDevice->AttachedDevice;

    if (Upper == NULL)
    {
        VerifierIoBugCheck(0x202, Caller, RD_ADDRESS(TargetDevice), 0);
    }
    if (VfIsDeviceHandling(Upper, IRP_MJ_PNP, IRP_MN_SURPRISE_REMOVAL))
    {
        VerifierIoBugCheck(0x241, Caller, RD_ADDRESS(Upper), 0);
    }
    VfNoteCallsOfDevice(Upper, RD_VF_CALL_DETACHED);
    IoDetachDevice(TargetDevice);
}

VFTHUNK(IoInitializeTimer, VF_OPTION_IO);
__attribute__((noinline)) NTSTATUS NTAPI VerifierIoInitializeTimer(
    PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine, PVOID Context)
{
    if (DeviceObject->Timer != NULL)
    {
        VerifierIoBugCheck(0x0A, RD_ADDRESS(DeviceObject), 0, 0);
    }
    return IoInitializeTimer(DeviceObject, TimerRoutine, Context);
}

/* The devices that it put into this stack accept requests from now on, so they say so. */
VOID VfAfterAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDevice)
{
    if (!VfIsOptionEnabled(VF_OPTION_IO) || VfFindDriverByObject(DriverObject) == NULL)
    {
        return;
    }
    for (PDEVICE_OBJECT Device = PhysicalDevice; Device != NULL; Device = Device->AttachedDevice)
    {
        if (Device->DriverObject == DriverObject && (Device->Flags & DO_DEVICE_INITIALIZING))
        {
            ULONG64 Routine = RD_ADDRESS(DriverObject->DriverExtension->AddDevice);
            RdNote(RD_NOTE_STACK | RD_NOTE_EXACT | RD_NOTE_BLAME, "AddDevice, which has returned:", &Routine,
                1, NULL);
            VerifierIoBugCheck(0x243, RD_ADDRESS(DriverObject->DriverExtension->AddDevice),
                RD_ADDRESS(Device), 0);
        }
    }
}
