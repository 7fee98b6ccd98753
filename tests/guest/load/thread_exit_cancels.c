/*
 * A thread that ends with a request outstanding: the request is cancelled, then the handle is
 * cleaned up and closed.
 */
#include "../load.h"

static PDEVICE_OBJECT Device;
static LONG Sequence, CancelledAt, CleanedAt;

static VOID NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    CancelledAt = ++Sequence;
    LoadComplete(Irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    switch (IoGetCurrentIrpStackLocation(Irp)->MajorFunction)
    {
    case IRP_MJ_DEVICE_CONTROL:
        IoMarkIrpPending(Irp);
        IoSetCancelRoutine(Irp, Cancel);
        return STATUS_PENDING;
    case IRP_MJ_CLEANUP:
        CleanedAt = ++Sequence;
        break;
    case IRP_MJ_CLOSE:
        LoadPlan(2);
        LoadOk(CancelledAt != 0, "OutstandingRequestIsCancelledWhenItsThreadExits");
        LoadOk(CleanedAt != 0 && Sequence == 2, "HandleIsCleanedUpAndClosedWithItsProcess");
        break;
    default:
        break;
    }
    return LoadComplete(Irp, STATUS_SUCCESS);
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    LoadDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Major;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
    {
        DriverObject->MajorFunction[Major] = Dispatch;
    }
    DriverObject->DriverUnload = Unload;
    return LoadCreateDevice(DriverObject, &Device);
}
