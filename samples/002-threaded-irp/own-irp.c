/*
 * The way out: an IRP of the driver's own. It is not threaded; its completion routine takes it back
 * from the I/O manager before any APC could be needed, and sets the event itself.
 */
#include "upper.h"

static NTSTATUS NTAPI UpperCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Event)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

DECLSPEC_NOINLINE VOID SendAnIoctl(PDEVICE_OBJECT TargetDevice)
{
    KEVENT event;
    ULONG nothingOutput = 0;
    PIO_STACK_LOCATION stack;
    PIRP irp = IoAllocateIrp(TargetDevice->StackSize, FALSE);

    if (irp == NULL)
    {
        return;
    }
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp->AssociatedIrp.SystemBuffer = &nothingOutput;
    stack = IoGetNextIrpStackLocation(irp);
    stack->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    stack->Parameters.DeviceIoControl.IoControlCode = IOCTL_OSR_NOTHING;
    stack->Parameters.DeviceIoControl.OutputBufferLength = sizeof(ULONG);
    IoSetCompletionRoutine(irp, UpperCompletion, &event, TRUE, TRUE, TRUE);
    if (IoCallDriver(TargetDevice, irp) == STATUS_PENDING)
    {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    }
    IoFreeIrp(irp);
}
