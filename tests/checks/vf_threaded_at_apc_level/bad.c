/* A request that needs an APC of its thread is sent at APC_LEVEL. */
#include "../check.h"

static IO_STATUS_BLOCK Iosb;
static KEVENT Event;

static PIRP NewThreadedRequest(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    return IoBuildDeviceIoControlRequest(IOCTL_CHECK(9), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE,
                                         &Event, &Iosb);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = NewThreadedRequest();

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    __writecr8(APC_LEVEL);
    IoCallDriver(CheckLowerDevice(), Irp);
    __writecr8(PASSIVE_LEVEL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
