/* Breaks only when the explorer makes the same kind of choice twice in an execution: two early interrupts, two early timers, two failing
 * allocations. Each request is one kind; the threads of bounds.sh send them. */
#include "../../../samples/000-apc-unload/apc.h"

#define CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Choices");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Choices");
static PKTHREAD Target;
static volatile LONG Window, Hits;
static KAPC Apcs[2];
static KTIMER Timers[2];
static KDPC Dpcs[2];

DRIVER_INITIALIZE DriverEntry;

/* What comes first must come in the first window, what comes second in the second. */
static VOID Hit(LONG Number)
{
    if (Window == Number)
    {
        Hits = Hits | Number;
    }
    if (Hits == 3)
    {
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, 0, 0, 0, 0);
    }
}

static VOID OpenWindows(VOID)
{
    Window = 1;
    Window = 0;
    Window = 2;
    Window = 0;
}

static VOID NTAPI Interrupted(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext, PVOID *First,
                              PVOID *Second)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Second);
    Hit((LONG)(ULONG_PTR)*First);
}

static VOID NTAPI Expired(PKDPC Dpc, PVOID Number, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    Hit((LONG)(ULONG_PTR)Number);
}

static VOID BeInterrupted(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();

    ObReferenceObject(Thread);
    Target = Thread;
    OpenWindows();
}

static VOID Interrupt(VOID)
{
    PKTHREAD Thread = Window == 0 ? Target : NULL;
    ULONG i;

    for (i = 0; Thread != NULL && i < 2; i++)
    {
        KeInitializeApc(&Apcs[i], Thread, ApcOriginalEnvironment, Interrupted, NULL, NULL, KernelMode, NULL);
        KeInsertQueueApc(&Apcs[i], (PVOID)(ULONG_PTR)(i + 1), NULL, 0);
    }
}

static VOID ArmAndOpen(VOID)
{
    ULONG i;

    for (i = 0; i < 2; i++)
    {
        LARGE_INTEGER Due = {.QuadPart = -10000ll * (i + 1)};

        KeSetTimer(&Timers[i], Due, &Dpcs[i]);
    }
    OpenWindows();
}

static VOID Allocate(VOID)
{
    PVOID First = ExAllocatePoolWithTag(NonPagedPool, 8, 'iohC');
    PVOID Second = ExAllocatePoolWithTag(NonPagedPool, 8, 'iohC');

    if (First == NULL && Second == NULL)
    {
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, 0, 0, 0, 0);
    }
    if (First != NULL)
    {
        ExFreePoolWithTag(First, 'iohC');
    }
    if (Second != NULL)
    {
        ExFreePoolWithTag(Second, 'iohC');
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
            BeInterrupted();
            break;
        case CODE(1):
            Interrupt();
            break;
        case CODE(2):
            ArmAndOpen();
            break;
        case CODE(3):
            Allocate();
            break;
        default:
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
    NTSTATUS Status;
    ULONG i;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (i = 0; i < 2; i++)
    {
        KeInitializeTimer(&Timers[i]);
        KeInitializeDpc(&Dpcs[i], Expired, (PVOID)(ULONG_PTR)(i + 1));
    }
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    return IoCreateSymbolicLink(&LinkName, &DeviceName);
}
