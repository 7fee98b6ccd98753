/* The frame that had the status block is gone; the same function, called from the same place, has one just there. */
#include "../check.h"

static KEVENT Event;

/* Every call has its frame at the same address, and returns to the same instruction. */
static DECLSPEC_NOINLINE VOID SendThreaded(ULONG Turn)
{
    IO_STATUS_BLOCK Iosb;
    PIRP Irp;

    CheckOpaque(&Iosb);
    if (Turn == 0)
    {
        KeInitializeEvent(&Event, NotificationEvent, FALSE);
        Irp = IoBuildDeviceIoControlRequest(IOCTL_CHECK(0), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE, &Event, &Iosb);
        CheckSendHeldBack(Irp);
    }
    if (Turn == 1)
    {
        KeLeaveGuardedRegion();
    }
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    ULONG Turn;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    for (Turn = 0; Turn < 2; Turn++)
    {
        SendThreaded(Turn);
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
