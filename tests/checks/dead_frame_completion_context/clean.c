/* The twin of bad.c without the mistake: the sender's frame lives until the routine has run. The routine of a second
 * IRP gets a dead pointer too, but only compares it. */
#include "../check.h"

static NTSTATUS NTAPI Completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
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

static PIRP Held;

/* Passes the IRP to a driver that keeps it: sent to a location of its own and not completed. */
static DECLSPEC_NOINLINE VOID SendAndWait(VOID)
{
    KEVENT Event;
    PIRP Irp = IoAllocateIrp(CheckLowerDevice()->StackSize, FALSE);

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_SYSTEM_CONTROL; /* pends */
    IoSetCompletionRoutine(Irp, Completed, &Event, TRUE, TRUE, TRUE);
    IoCallDriver(CheckLowerDevice(), Irp);
    Held = Irp;
    CompleteLater(Irp);
}

static PVOID Last;

static NTSTATUS NTAPI Compared(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Last = Context == Irp ? NULL : Context;
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static DECLSPEC_NOINLINE VOID SendWithTag(VOID)
{
    ULONG Tag;
    PIRP Irp = IoAllocateIrp(CheckLowerDevice()->StackSize, FALSE);

    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    IoSetCompletionRoutine(Irp, Compared, &Tag, TRUE, TRUE, TRUE);
    IoCallDriver(CheckLowerDevice(), Irp);
    Held = Irp;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    SendAndWait();
    SendWithTag();
    CompleteLater(Held);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
