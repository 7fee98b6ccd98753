/* The twin of bad.c without the mistake: the region is left before the function returns. */
#include "../check.h"

static KEVENT Event;

static DECLSPEC_NOINLINE VOID SendThreaded(VOID)
{
    IO_STATUS_BLOCK Iosb;
    PIRP Irp;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_CHECK(0), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE, &Event, &Iosb);
    CheckSendHeldBack(Irp);
    KeLeaveGuardedRegion();
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    SendThreaded();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
