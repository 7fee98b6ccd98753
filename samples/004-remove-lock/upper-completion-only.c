/*
 * As the documentation of IoReleaseRemoveLock tells drivers that set a completion routine: one
 * acquire, released in the completion routine.
 *
 * Unsound: when the lower driver completes the request inside its dispatch routine, the release
 * happens while that routine is still running. Removal may then detach from the lower device and so
 * drop the last hold on its image.
 */
#include "upper.h"

static NTSTATUS NTAPI UpperCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PUPPER_EXTENSION Extension = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned)
    {
        IoMarkIrpPending(Irp);
    }
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

NTSTATUS NTAPI UpperForward(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUPPER_EXTENSION Extension = DeviceObject->DeviceExtension;
    BOOLEAN Power = IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_POWER;
    NTSTATUS Status = IoAcquireRemoveLock(&Extension->RemoveLock, Irp);

    if (!NT_SUCCESS(Status))
    {
        return CompleteRequest(Irp, Status);
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, UpperCompletion, Extension, TRUE, TRUE, TRUE);
    return CallNextDriver(Extension, Irp, Power);
}
