/*
 * A driver that queues APCs to a thread and can be unloaded: the part that every variant shares.
 *
 * A thread registers itself as the target; any client then has an APC queued to it. As in the
 * products that do this, the APC is a user-mode one unless the client asks for a kernel APC: it
 * waits until the target is alertable, and if the target exits first, the rundown routine runs
 * instead of the kernel routine. How the driver makes sure that none of its APC routines
 * outlives its image is the remedy's business.
 */
#include "apc_unload.h"

static PDEVICE_OBJECT ApcDevice;
static PKTHREAD volatile ApcTarget;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\ApcUnload");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\ApcUnload");

DRIVER_INITIALIZE DriverEntry;

static NTSTATUS CompleteRequest(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI ApcCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return CompleteRequest(Irp, STATUS_SUCCESS);
}

static NTSTATUS RegisterTarget(VOID)
{
    PKTHREAD Thread = (PKTHREAD)PsGetCurrentThread();

    /* The reference keeps the thread object, not the thread: it may exit with an APC in its
     * queue. */
    ObReferenceObject(Thread);
    if (InterlockedCompareExchangePointer((PVOID volatile *)&ApcTarget, Thread, NULL) != NULL)
    {
        ObDereferenceObject(Thread);
        return STATUS_DEVICE_BUSY;
    }
    return STATUS_SUCCESS;
}

/* Where the user-mode code would be. The kernel routine clears it, so nothing runs there. */
#define USER_ROUTINE ((APC_NORMAL_ROUTINE *)(ULONG_PTR)0x10000)

/* The normal routine of a kernel APC, where it is not suppressed. */
static volatile LONG NormalRoutineCalls;

static VOID NTAPI ApcNormalRoutine(PVOID NormalContext, PVOID SystemArgument1,
                                   PVOID SystemArgument2)
{
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    InterlockedIncrement(&NormalRoutineCalls);
}

static NTSTATUS QueueApc(PDEVICE_OBJECT DeviceObject, ULONG Kind)
{
    PKTHREAD Target = ApcTarget;
    PAPC_REQUEST Request;

    if (Target == NULL)
    {
        return STATUS_DEVICE_NOT_READY;
    }
    Request = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Request), APC_UNLOAD_TAG);
    if (Request == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Request->DeviceObject = DeviceObject;
    Request->Kind = Kind;
    KeInitializeApc(&Request->Apc, Target, ApcOriginalEnvironment, RemedyKernelRoutine,
                    RemedyRundownRoutine,
                    Kind == APC_KIND_USER             ? USER_ROUTINE
                    : Kind == APC_KIND_SPECIAL_KERNEL ? NULL
                                                      : ApcNormalRoutine,
                    Kind == APC_KIND_USER ? UserMode : KernelMode, NULL);
    RemedyBeforeInsert(Request);
    if (!KeInsertQueueApc(&Request->Apc, NULL, NULL, IO_NO_INCREMENT))
    {
        RemedyInsertFailed(Request);
        ExFreePoolWithTag(Request, APC_UNLOAD_TAG);
        return STATUS_THREAD_IS_TERMINATING;
    }
    /* From here on the request belongs to the APC routines: it may be gone already. */
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI ApcDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status;

    switch (Location->Parameters.DeviceIoControl.IoControlCode)
    {
    case IOCTL_APC_REGISTER:
        Status = RegisterTarget();
        break;
    case IOCTL_APC_QUEUE:
        if (Location->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG))
        {
            Status = STATUS_INVALID_PARAMETER;
        }
        else
        {
            Status = QueueApc(DeviceObject, *(PULONG)Irp->AssociatedIrp.SystemBuffer);
        }
        break;
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    return CompleteRequest(Irp, Status);
}

static VOID NTAPI ApcUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteSymbolicLink(&LinkName);
    RemedyUnload();
    if (ApcTarget != NULL)
    {
        ObDereferenceObject(ApcTarget);
    }
    IoDeleteDevice(ApcDevice);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &ApcDevice);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(Status))
    {
        IoDeleteDevice(ApcDevice);
        return Status;
    }
    RemedyInitialize();
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ApcCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ApcCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ApcDeviceControl;
    DriverObject->DriverUnload = ApcUnload;
    return STATUS_SUCCESS;
}
