/* A guarded region holds the end of a threaded request back until its output buffer lies in a frame that has returned. */
#include "../check.h"

static KEVENT Event;
static IO_STATUS_BLOCK Iosb;

static DECLSPEC_NOINLINE VOID SendThreaded(VOID)
{
    ULONG Output[4];
    PIRP Irp;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_CHECK(1), CheckLowerDevice(), NULL, 0, Output, sizeof(Output), FALSE, &Event, &Iosb);
    CheckSendHeldBack(Irp);
}

static DECLSPEC_NOINLINE VOID CoverAndLeave(VOID)
{
    UCHAR Cover[256];

    RtlFillMemory(Cover, sizeof(Cover), 0x55);
    CheckOpaque(Cover);
    KeLeaveGuardedRegion();
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    SendThreaded();
    CoverAndLeave();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
