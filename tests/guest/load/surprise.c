/*
 * Surprise removal: the stack is told at once and refuses new handles, but removed only when the
 * last handle is closed.
 */
#include "../load.h"

typedef struct _EXTENSION
{
    PDEVICE_OBJECT Next;
} EXTENSION, *PEXTENSION;

static LONG Sequence, SurpriseAt, RequestAt, CleanupAt, CloseAt, RemoveAt;
static KIRQL RemoveIrql;
static BOOLEAN CapabilitiesWereAsked;
static UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\LoadTest");
static UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\LoadTest");

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    switch (IoGetCurrentIrpStackLocation(Irp)->MajorFunction)
    {
    case IRP_MJ_DEVICE_CONTROL:
        RequestAt = ++Sequence;
        break;
    case IRP_MJ_CLEANUP:
        CleanupAt = ++Sequence;
        break;
    case IRP_MJ_CLOSE:
        CloseAt = ++Sequence;
        break;
    }
    return LoadComplete(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI Pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_OBJECT Next = ((PEXTENSION)DeviceObject->DeviceExtension)->Next;
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    UCHAR Minor = Location->MinorFunction;
    NTSTATUS Status;

    switch (Minor)
    {
    case IRP_MN_SURPRISE_REMOVAL:
        SurpriseAt = ++Sequence;
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_REMOVE_DEVICE:
        RemoveAt = ++Sequence;
        RemoveIrql = KeGetCurrentIrql();
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_QUERY_CAPABILITIES:
        CapabilitiesWereAsked = Location->Parameters.DeviceCapabilities.Capabilities->Version == 1 &&
                                Irp->IoStatus.Status == STATUS_NOT_SUPPORTED;
        break;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Next, Irp);
    if (Minor == IRP_MN_REMOVE_DEVICE)
    {
        IoDeleteSymbolicLink(&Link);
        IoDetachDevice(Next);
        IoDeleteDevice(DeviceObject);
    }
    return Status;
}

static NTSTATUS NTAPI Power(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(((PEXTENSION)DeviceObject->DeviceExtension)->Next, Irp);
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDevice)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(EXTENSION), &Name, FILE_DEVICE_UNKNOWN, 0,
                                     FALSE, &DeviceObject);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    IoCreateSymbolicLink(&Link, &Name);
    ((PEXTENSION)DeviceObject->DeviceExtension)->Next =
        IoAttachDeviceToDeviceStack(DeviceObject, PhysicalDevice);
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    LoadPlan(6);
    LoadOk(SurpriseAt == 1, "SurpriseRemovalIsSentWhateverHandlesAreOpen");
    LoadOk(RequestAt == 2, "OpenHandleReachesTheDriverAfterASurpriseRemoval");
    LoadOk(CleanupAt == 3 && CloseAt == 4 && RemoveAt == 5,
           "RemovalComesAfterTheLastCloseOfASurpriseRemovedDevice");
    LoadOk(RemoveIrql == PASSIVE_LEVEL, "RemovalComesAtPassiveLevel");
    LoadOk(CapabilitiesWereAsked, "CapabilitiesAreAskedForInVersionOne");
    LoadOk(DriverObject->DeviceObject == NULL, "UnloadFollowsTheRemoval");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Major;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
    {
        DriverObject->MajorFunction[Major] = Dispatch;
    }
    DriverObject->MajorFunction[IRP_MJ_PNP] = Pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = Power;
    DriverObject->DriverExtension->AddDevice = AddDevice;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
