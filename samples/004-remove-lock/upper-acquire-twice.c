/*
 * The repair: two acquires. One is released in the completion routine, for the request; the other
 * after IoCallDriver has returned, for the lower driver's code on this stack. Nobody can tell which
 * of the two comes last.
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
    /* The tag of the second acquire is this routine: a request that has completed has no address
     * any more. */
    Status = IoAcquireRemoveLock(&Extension->RemoveLock, (PVOID)(ULONG_PTR)UpperForward);
    if (!NT_SUCCESS(Status))
    {
        IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
        return CompleteRequest(Irp, Status);
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, UpperCompletion, Extension, TRUE, TRUE, TRUE);
    Status = CallNextDriver(Extension, Irp, Power);
    IoReleaseRemoveLock(&Extension->RemoveLock, (PVOID)(ULONG_PTR)UpperForward);
    return Status;
}
