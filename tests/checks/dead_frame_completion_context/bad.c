/*
 * The lower driver pends and the sender does not wait: the completion routine sets an event of a
 * frame that has returned, which a newer frame covers by then.
 */
#include "../check.h"

static NTSTATUS NTAPI Completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP Held;

/* Passes the IRP to a driver that keeps it: sent to a location of its own and not completed. */
static DECLSPEC_NOINLINE VOID SendAndForget(VOID)
{
    KEVENT Event;
    PIRP Irp = IoAllocateIrp(CheckLowerDevice()->StackSize, FALSE);

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_SYSTEM_CONTROL; /* pends */
    IoSetCompletionRoutine(Irp, Completed, &Event, TRUE, TRUE, TRUE);
    IoCallDriver(CheckLowerDevice(), Irp);
    Held = Irp;
}

static DECLSPEC_NOINLINE VOID CompleteLater(PIRP Irp)
{
    UCHAR Cover[256];

    RtlFillMemory(Cover, sizeof(Cover), 0x55);
    CheckOpaque(Cover);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    CheckOpaque(Cover);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    SendAndForget();
    CompleteLater(Held);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
