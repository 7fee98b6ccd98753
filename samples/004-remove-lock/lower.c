/*
 * The lower driver: the function driver of a device that can answer at once. It completes reads and
 * control requests in its dispatch routine, so the upper driver's completion routine runs while
 * this routine is still on the stack. Two control codes ask for a request that is pended and
 * completed by a work item or by a DPC instead.
 *
 * It does what the documentation asks of it: its own remove lock is held across the whole of its
 * work on a request. That protects the device extension, not the code: between the release and the
 * return of LowerDeviceControl only its caller can keep this image loaded.
 */
#include <wdm.h>

/* Any other control code is answered at once. */
#define IOCTL_LOWER_PEND_TO_WORK_ITEM CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_LOWER_PEND_TO_DPC CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define LOWER_TAG 'rewL'

typedef struct _LOWER_EXTENSION
{
    PDEVICE_OBJECT NextDevice;
    IO_REMOVE_LOCK RemoveLock;
    KDPC Dpc;
    PIRP DpcIrp; /* one at a time */
} LOWER_EXTENSION, *PLOWER_EXTENSION;

DRIVER_INITIALIZE DriverEntry;

static NTSTATUS CompleteRequest(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI LowerCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return CompleteRequest(Irp, STATUS_SUCCESS);
}

/* The I/O manager holds the device, so the image, until this routine has returned. */
static VOID NTAPI LowerWorker(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PLOWER_EXTENSION Extension = DeviceObject->DeviceExtension;
    PIRP Irp = Context;
    PIO_WORKITEM WorkItem = Irp->Tail.Overlay.DriverContext[0];

    CompleteRequest(Irp, STATUS_SUCCESS);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    IoFreeWorkItem(WorkItem);
}

/* The system waits for running DPCs before it frees an image. */
static VOID NTAPI LowerDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PLOWER_EXTENSION Extension = Context;
    PIRP Irp = InterlockedExchangePointer((PVOID *)&Extension->DpcIrp, NULL);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    CompleteRequest(Irp, STATUS_SUCCESS);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
}

/* From here on the request belongs to whoever completes it, who releases the remove lock too. */
static NTSTATUS PendRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG Code)
{
    PLOWER_EXTENSION Extension = DeviceObject->DeviceExtension;
    PIO_WORKITEM WorkItem;

    if (Code == IOCTL_LOWER_PEND_TO_WORK_ITEM)
    {
        WorkItem = IoAllocateWorkItem(DeviceObject);
        if (WorkItem == NULL)
        {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        IoMarkIrpPending(Irp);
        Irp->Tail.Overlay.DriverContext[0] = WorkItem;
        IoQueueWorkItem(WorkItem, LowerWorker, DelayedWorkQueue, Irp);
        return STATUS_PENDING;
    }
    if (InterlockedCompareExchangePointer((PVOID *)&Extension->DpcIrp, Irp, NULL) != NULL)
    {
        return STATUS_DEVICE_BUSY;
    }
    IoMarkIrpPending(Irp);
    KeInsertQueueDpc(&Extension->Dpc, NULL, NULL);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI LowerDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PLOWER_EXTENSION Extension = DeviceObject->DeviceExtension;
    ULONG Code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    NTSTATUS Status = IoAcquireRemoveLock(&Extension->RemoveLock, Irp);

    if (!NT_SUCCESS(Status))
    {
        return CompleteRequest(Irp, Status);
    }
    if (Code == IOCTL_LOWER_PEND_TO_WORK_ITEM || Code == IOCTL_LOWER_PEND_TO_DPC)
    {
        Status = PendRequest(DeviceObject, Irp, Code);
        if (Status == STATUS_PENDING)
        {
            return Status;
        }
    }
    Status = CompleteRequest(Irp, Status);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

static NTSTATUS NTAPI LowerRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PLOWER_EXTENSION Extension = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Extension->RemoveLock, Irp);

    if (!NT_SUCCESS(Status))
    {
        return CompleteRequest(Irp, Status);
    }
    Status = CompleteRequest(Irp, STATUS_END_OF_FILE);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

static NTSTATUS NTAPI LowerStarted(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Event)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The bus driver starts first; then the request is ours again. */
static NTSTATUS StartDevice(PLOWER_EXTENSION Extension, PIRP Irp)
{
    KEVENT Event;
    NTSTATUS Status;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, LowerStarted, &Event, TRUE, TRUE, TRUE);
    Status = IoCallDriver(Extension->NextDevice, Irp);
    if (Status == STATUS_PENDING)
    {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        Status = Irp->IoStatus.Status;
    }
    return Status;
}

static NTSTATUS RemoveDevice(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PLOWER_EXTENSION Extension = DeviceObject->DeviceExtension;
    NTSTATUS Status;

    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Extension->NextDevice, Irp);
    IoReleaseRemoveLockAndWait(&Extension->RemoveLock, Irp);
    IoDetachDevice(Extension->NextDevice);
    IoDeleteDevice(DeviceObject);
    return Status;
}

static NTSTATUS NTAPI LowerPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PLOWER_EXTENSION Extension = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Extension->RemoveLock, Irp);

    if (!NT_SUCCESS(Status))
    {
        return CompleteRequest(Irp, Status);
    }
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction)
    {
    case IRP_MN_START_DEVICE:
        Status = CompleteRequest(Irp, StartDevice(Extension, Irp));
        break;
    case IRP_MN_REMOVE_DEVICE:
        return RemoveDevice(DeviceObject, Irp); /* releases the lock and waits */
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(Extension->NextDevice, Irp);
        break;
    default:
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(Extension->NextDevice, Irp);
        break;
    }
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

static NTSTATUS NTAPI LowerPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PLOWER_EXTENSION Extension = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Extension->RemoveLock, Irp);

    PoStartNextPowerIrp(Irp);
    if (!NT_SUCCESS(Status))
    {
        return CompleteRequest(Irp, Status);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    Status = PoCallDriver(Extension->NextDevice, Irp);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

static NTSTATUS NTAPI LowerAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDevice)
{
    PDEVICE_OBJECT DeviceObject;
    PLOWER_EXTENSION Extension;
    NTSTATUS Status;

    Status = IoCreateDevice(DriverObject, sizeof(LOWER_EXTENSION), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Extension = DeviceObject->DeviceExtension;
    IoInitializeRemoveLock(&Extension->RemoveLock, LOWER_TAG, 0, 0);
    /* As if the device interrupted processor 0: beside the dispatch routine, not on top of it. */
    KeInitializeDpc(&Extension->Dpc, LowerDpc, Extension);
    KeSetTargetProcessorDpc(&Extension->Dpc, 0);
    KeSetImportanceDpc(&Extension->Dpc, HighImportance);
    Extension->NextDevice = IoAttachDeviceToDeviceStack(DeviceObject, PhysicalDevice);
    if (Extension->NextDevice == NULL)
    {
        IoDeleteDevice(DeviceObject);
        return STATUS_NO_SUCH_DEVICE;
    }
    DeviceObject->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI LowerUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LowerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = LowerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LowerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = LowerRead;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LowerDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = LowerPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = LowerPower;
    DriverObject->DriverExtension->AddDevice = LowerAddDevice;
    DriverObject->DriverUnload = LowerUnload;
    return STATUS_SUCCESS;
}
