/*
 * Two requests that announce themselves and look whether the other one is there: Dekker's entry without the barrier between the
 * store and the load. On a machine whose stores wait in buffers both can find nobody.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
volatile LONG Wants[2];
volatile LONG Entered[2];

static NTSTATUS NTAPI Success(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

__attribute__((noinline)) static VOID Enter(ULONG Me)
{
    Wants[Me] = 1;
    if (Wants[!Me] == 0) {
        Entered[Me] = 1;
        __sync_synchronize();
        if (Entered[!Me] != 0)
            KeBugCheckEx(0xE2, Me, 0, 0, 0);
    }
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Enter(IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode == 0x222004);
    return Success(DeviceObject, Irp);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Barrier"), Link = RTL_CONSTANT_STRING(L"\\DosDevices\\Barrier");
    PDEVICE_OBJECT Device;

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Success;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Success;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Success;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    return IoCreateSymbolicLink(&Link, &Name);
}
