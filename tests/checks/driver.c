/*
 * The driver around a check's body.
 */
#include "check.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Check");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Check");
static PDEVICE_OBJECT CheckDevice, LowerDevice;

DRIVER_INITIALIZE DriverEntry;
PDRIVER_DISPATCH CheckLowerDispatch;
PDRIVER_ADD_DEVICE CheckAddDevice;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static BOOLEAN HoldBack;

static NTSTATUS NTAPI CheckDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    ULONG Code = Location->Parameters.DeviceIoControl.IoControlCode;

    if (DeviceObject != CheckDevice && CheckLowerDispatch != NULL)
    {
        return CheckLowerDispatch(DeviceObject, Irp);
    }
    if (DeviceObject == LowerDevice && Location->MajorFunction == IRP_MJ_SYSTEM_CONTROL)
    {
        IoMarkIrpPending(Irp);
        return STATUS_PENDING;
    }
    if (DeviceObject == LowerDevice && HoldBack)
    {
        IoMarkIrpPending(Irp);
        return STATUS_PENDING;
    }
    if (DeviceObject == LowerDevice && Location->MajorFunction == IRP_MJ_DEVICE_CONTROL && Code == IOCTL_CHECK(1))
    {
        Irp->IoStatus.Status = STATUS_SUCCESS;
        Irp->IoStatus.Information = Location->Parameters.DeviceIoControl.OutputBufferLength;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_SUCCESS;
    }
    if (DeviceObject != CheckDevice || Location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
    {
        return Complete(Irp, STATUS_SUCCESS);
    }
    return Complete(Irp, CheckBody(DeviceObject, (Code - IOCTL_CHECK(0)) / 4));
}

static VOID NTAPI CheckDriverUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    CheckUnload();
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(LowerDevice);
    IoDeleteDevice(CheckDevice);
}

PDEVICE_OBJECT CheckLowerDevice(VOID)
{
    return LowerDevice;
}

/* The region begins behind the call: to send such a request from inside one is a mistake of its own (0xC9/0x302). */
VOID CheckSendHeldBack(PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetNextIrpStackLocation(Irp);

    HoldBack = TRUE;
    IoCallDriver(LowerDevice, Irp);
    HoldBack = FALSE;
    KeEnterGuardedRegion();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = Location->Parameters.DeviceIoControl.OutputBufferLength;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;
    ULONG Major;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &CheckDevice);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &LowerDevice);
    if (!NT_SUCCESS(Status))
    {
        IoDeleteDevice(CheckDevice);
        return Status;
    }
    Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(Status))
    {
        IoDeleteDevice(LowerDevice);
        IoDeleteDevice(CheckDevice);
        return Status;
    }
    for (Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
    {
        DriverObject->MajorFunction[Major] = CheckDispatch;
    }
    DriverObject->DriverUnload = CheckDriverUnload;
    if (CheckAddDevice != NULL)
    {
        DriverObject->DriverExtension->AddDevice = CheckAddDevice;
    }
    return STATUS_SUCCESS;
}

VOID CheckStartThread(CHECK_THREAD *Thread, PKSTART_ROUTINE Routine, PVOID Context)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Thread->Thread = NULL;
    if (NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, NULL, NULL, Routine, Context)))
    {
        ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode,
                                  (PVOID *)&Thread->Thread, NULL);
        ZwClose(Handle);
    }
}

VOID CheckJoinThread(CHECK_THREAD *Thread)
{
    KeWaitForSingleObject(Thread->Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread->Thread);
}

LARGE_INTEGER CheckRelative(ULONG Milliseconds)
{
    LARGE_INTEGER Interval;

    Interval.QuadPart = -10000LL * Milliseconds;
    return Interval;
}
