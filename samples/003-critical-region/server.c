/*
 * The server: for each packet a system thread, which reads through the filter's device and exits. It enters no critical
 * region itself; what its threads die of is what the filter did in their context.
 */
#include <ntddk.h>

#include "server.h"

typedef struct _PACKET
{
    NTSTATUS Status;
} PACKET, *PPACKET;

static UNICODE_STRING ServerDeviceName = RTL_CONSTANT_STRING(L"\\Device\\Server");
static UNICODE_STRING ServerLinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Server");
static UNICODE_STRING FilterDeviceName = RTL_CONSTANT_STRING(L"\\Device\\Filter");
static PDEVICE_OBJECT ServerDevice, FilterDevice;
static PFILE_OBJECT FilterFile;

DRIVER_INITIALIZE DriverEntry;

static NTSTATUS CompleteRequest(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI ServerReadDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Event)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static DECLSPEC_NOINLINE NTSTATUS ServerExecuteRead(VOID)
{
    PIRP Irp = IoAllocateIrp(FilterDevice->StackSize, FALSE);
    PIO_STACK_LOCATION Location;
    KEVENT Event;
    NTSTATUS Status;

    if (Irp == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Location = IoGetNextIrpStackLocation(Irp);
    Location->MajorFunction = IRP_MJ_READ;
    Location->FileObject = FilterFile;
    IoSetCompletionRoutine(Irp, ServerReadDone, &Event, TRUE, TRUE, TRUE);
    if (IoCallDriver(FilterDevice, Irp) == STATUS_PENDING)
    {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    Status = Irp->IoStatus.Status;
    IoFreeIrp(Irp);
    return Status;
}

static DECLSPEC_NOINLINE VOID ServerProcessPacket(PPACKET Packet)
{
    Packet->Status = ServerExecuteRead();
}

static DECLSPEC_NOINLINE VOID ServerTerminateWorkerThread(VOID)
{
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI ServerWorkerThread(PVOID Context)
{
    ServerProcessPacket(Context);
    ServerTerminateWorkerThread();
}

static NTSTATUS ServerRunPacket(VOID)
{
    PACKET Packet = {STATUS_UNSUCCESSFUL};
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    PVOID Thread;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, NULL, NULL, ServerWorkerThread, &Packet);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread, NULL);
    if (NT_SUCCESS(Status))
    {
        KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Thread);
        Status = Packet.Status;
    }
    ZwClose(Handle);
    return Status;
}

static NTSTATUS NTAPI ServerDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Location->MajorFunction == IRP_MJ_DEVICE_CONTROL &&
        Location->Parameters.DeviceIoControl.IoControlCode == IOCTL_SERVER_PACKET)
    {
        return CompleteRequest(Irp, ServerRunPacket());
    }
    return CompleteRequest(Irp, STATUS_SUCCESS);
}

static VOID NTAPI ServerUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteSymbolicLink(&ServerLinkName);
    IoDeleteDevice(ServerDevice);
    ObDereferenceObject(FilterFile);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoGetDeviceObjectPointer(&FilterDeviceName, FILE_READ_DATA, &FilterFile, &FilterDevice);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = IoCreateDevice(DriverObject, 0, &ServerDeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &ServerDevice);
    if (!NT_SUCCESS(Status))
    {
        ObDereferenceObject(FilterFile);
        return Status;
    }
    IoCreateSymbolicLink(&ServerLinkName, &ServerDeviceName);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ServerDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = ServerDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ServerDispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ServerDispatch;
    DriverObject->DriverUnload = ServerUnload;
    return STATUS_SUCCESS;
}
