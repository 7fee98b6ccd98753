/*
 * The obvious way to ask: a threaded IRP, with everything that the answer goes to on this
 * function's stack. When the target answers at once there seems to be nothing to wait for. But the
 * I/O manager has yet to run its special kernel APC in this thread, which copies what there is to
 * copy to nothingOutput and iosb, and sets event.
 */
#include "upper.h"

DECLSPEC_NOINLINE VOID SendAnIoctl(PDEVICE_OBJECT TargetDevice)
{
    NTSTATUS status;
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    ULONG nothingOutput;
    PIRP irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(IOCTL_OSR_NOTHING, TargetDevice, NULL, 0, &nothingOutput,
                                        sizeof(ULONG), FALSE, &event, &iosb);
    if (irp == NULL)
    {
        return;
    }
    status = IoCallDriver(TargetDevice, irp);
    if (status == STATUS_PENDING)
    {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
}
