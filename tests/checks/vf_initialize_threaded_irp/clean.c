/* The twin of bad.c without the mistake. */
#include "../check.h"

static IO_STATUS_BLOCK Iosb;
static KEVENT Event;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_CHECK(9), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE, &Event, &Iosb);
    IoCallDriver(CheckLowerDevice(), Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
