/* A request is completed again while the second stage of its first completion is still held
 * back. */
#include "../check.h"

static IO_STATUS_BLOCK Iosb;
static KEVENT Event;

static PIRP BuildRequest(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    return IoBuildDeviceIoControlRequest(IOCTL_CHECK(9), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE, &Event,
                                         &Iosb);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = BuildRequest();

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeEnterGuardedRegion();
    IoCallDriver(CheckLowerDevice(), Irp);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    KeLeaveGuardedRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
