/* What several threads that run the same steps may do to a driver (alike.sh): count, collide, or ask who they are. */
#include "../../../samples/000-apc-unload/apc.h"

#define CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Alike");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Alike");
static volatile LONG Count, Inside;
static volatile LONG64 First;

DRIVER_INITIALIZE DriverEntry;

static VOID Collide(VOID)
{
    if (InterlockedIncrement(&Inside) != 1)
    {
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, 1, 0, 0, 0);
    }
    InterlockedDecrement(&Inside);
}

/* Breaks when the thread that was made later comes first. */
static VOID CompareIds(VOID)
{
    LONG64 Id = (LONG64)(LONG_PTR)PsGetCurrentThreadId();
    LONG64 Other = InterlockedCompareExchange64(&First, Id, 0);

    if (Other > Id)
    {
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, 2, 0, 0, 0);
    }
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
    {
        switch (Location->Parameters.DeviceIoControl.IoControlCode)
        {
        case CODE(0):
            Count = Count + 1;
            break;
        case CODE(1):
            Collide();
            break;
        case CODE(2):
            CompareIds();
            break;
        }
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    return IoCreateSymbolicLink(&LinkName, &DeviceName);
}
