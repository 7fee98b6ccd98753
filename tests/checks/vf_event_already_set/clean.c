/* The twin of bad.c without the mistake. */
#include "../check.h"

static IO_STATUS_BLOCK Iosb;
static KEVENT Event;

static PIRP NewThreadedRequest(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    return IoBuildDeviceIoControlRequest(IOCTL_CHECK(9), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE,
                                         &Event, &Iosb);
}

static DECLSPEC_NOINLINE NTSTATUS NTAPI AnswerRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_PENDING;
}

PDRIVER_DISPATCH CheckLowerDispatch = AnswerRequest;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = NewThreadedRequest();

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoCallDriver(CheckLowerDevice(), Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
