/* The status block belongs to the caller of a function that jumps: its end is what counts. */
#include "../check.h"

static KEVENT Event;

VOID SendTo(PIO_STATUS_BLOCK Iosb);
/* Jumps: SendTo returns to the caller of JumpToSend, in the frame that JumpToSend was called with. */
VOID JumpToSend(PIO_STATUS_BLOCK Iosb);
__asm__(".text\n.globl JumpToSend\nJumpToSend:\n\tjmp SendTo\n");

VOID SendTo(PIO_STATUS_BLOCK Iosb)
{
    PIRP Irp;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_CHECK(0), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE, &Event, Iosb);
    CheckSendHeldBack(Irp);
}

static DECLSPEC_NOINLINE VOID OwnStatus(VOID)
{
    IO_STATUS_BLOCK Iosb;

    JumpToSend(&Iosb);
    CheckOpaque(&Iosb);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    OwnStatus();
    KeLeaveGuardedRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
