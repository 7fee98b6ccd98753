/* The twin of bad.c without the mistake. */
#include "../check.h"

static ULONG Memory[4];

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    PIRP Irp;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_CHECK(9), CheckLowerDevice(), NULL, 0, Memory, sizeof(Memory), FALSE, &Event, &Iosb);
    IoCallDriver(CheckLowerDevice(), Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
