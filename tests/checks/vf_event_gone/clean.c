/* The twin of bad.c without the mistake. */
#include "../check.h"

static PIRP Held;

static DECLSPEC_NOINLINE NTSTATUS NTAPI AnswerRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction != IRP_MJ_DEVICE_CONTROL)
    {
        Irp->IoStatus.Status = STATUS_SUCCESS;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_SUCCESS;
    }
    IoMarkIrpPending(Irp);
    Held = Irp;
    return STATUS_PENDING;
}

PDRIVER_DISPATCH CheckLowerDispatch = AnswerRequest;
static KEVENT LastingEvent;
static IO_STATUS_BLOCK LastingIosb;

static DECLSPEC_NOINLINE VOID SendAndReturn(VOID)
{
    KEVENT Event;
    IO_STATUS_BLOCK Iosb;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeInitializeEvent(&LastingEvent, NotificationEvent, FALSE);
    CheckOpaque(&Event);
    CheckOpaque(&Iosb);
    IoCallDriver(CheckLowerDevice(),
                 IoBuildDeviceIoControlRequest(IOCTL_CHECK(9), CheckLowerDevice(), NULL, 0, NULL, 0, FALSE,
                                               &LastingEvent, &LastingIosb));
}

static DECLSPEC_NOINLINE VOID Finish(VOID)
{
    Held->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Held, IO_NO_INCREMENT);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    SendAndReturn();
    Finish();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
