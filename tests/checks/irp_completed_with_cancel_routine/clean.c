/* The twin of bad.c without the mistake. */
#include "../check.h"

static IO_STATUS_BLOCK Iosb;
static KEVENT Event;

static PIRP BuildRequest(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    return IoBuildDeviceIoControlRequest(IOCTL_CHECK(9), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE, &Event,
                                         &Iosb);
}

static VOID NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = BuildRequest();

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoSetCancelRoutine(Irp, Cancel);
    IoSetCancelRoutine(Irp, NULL);
    KeEnterGuardedRegion();
    IoCallDriver(CheckLowerDevice(), Irp);
    IoCancelIrp(Irp);
    KeLeaveGuardedRegion();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
