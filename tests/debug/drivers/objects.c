/* Puts one of everything that the debugger's kernel commands show into global variables, and stops the system. */
#include "samples/000-apc-unload/apc.h"

typedef struct _EXTENSION
{
    ULONG Magic;
    SHORT Small;
    UCHAR Low : 3;
    UCHAR High : 5;
    LIST_ENTRY Links;
    UNICODE_STRING Text;
    enum { RED = 1, GREEN = 2 } Colour;
    CHAR Name[8];
} EXTENSION, *PEXTENSION;

DRIVER_INITIALIZE DriverEntry;
IO_REMOVE_LOCK Lock;
ERESOURCE Resource;
KTIMER Timer;
KDPC TimerDpc;
KAPC Apc;
PIRP Irp;
PDEVICE_OBJECT Device;
PVOID FreedBlock;

static VOID NTAPI TimerRoutine(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
}

static VOID NTAPI ApcKernelRoutine(PKAPC What, PAPC_NORMAL_ROUTINE *Normal, PVOID *Context, PVOID *First, PVOID *Second)
{
    UNREFERENCED_PARAMETER(What);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
}

static NTSTATUS NTAPI Completion(PDEVICE_OBJECT DeviceObject, PIRP Which, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Which);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI Success(PDEVICE_OBJECT DeviceObject, PIRP Which)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Which->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Which, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Stop(PDEVICE_OBJECT DeviceObject, PIRP Which)
{
    PEXTENSION Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack;
    LARGE_INTEGER Due = {.QuadPart = -100000000};

    UNREFERENCED_PARAMETER(Which);
    Extension->Magic = 0x12345678;
    Extension->Small = -2;
    Extension->Low = 5;
    Extension->High = 17;
    Extension->Colour = GREEN;
    RtlCopyMemory(Extension->Name, "objects", 8);
    RtlInitUnicodeString(&Extension->Text, L"a text");
    InitializeListHead(&Extension->Links);

    KeEnterCriticalRegion();
    IoInitializeRemoveLock(&Lock, 0x6B636F4C, 0, 0);
    IoAcquireRemoveLock(&Lock, DeviceObject);
    ExInitializeResourceLite(&Resource);
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    KeInitializeDpc(&TimerDpc, TimerRoutine, NULL);
    KeInitializeTimer(&Timer);
    KeSetTimerEx(&Timer, Due, 250, &TimerDpc);
    KeEnterGuardedRegion();
    KeInitializeApc(&Apc, KeGetCurrentThread(), ApcOriginalEnvironment, ApcKernelRoutine, NULL, NULL, KernelMode, NULL);
    KeInsertQueueApc(&Apc, NULL, NULL, IO_NO_INCREMENT);
    FreedBlock = ExAllocatePoolWithTag(NonPagedPool, 24, 0x65657246);
    ExFreePoolWithTag(FreedBlock, 0x65657246);
    Irp = IoAllocateIrp(2, FALSE);
    IoSetNextIrpStackLocation(Irp);
    Stack = IoGetCurrentIrpStackLocation(Irp);
    Stack->MajorFunction = IRP_MJ_READ;
    Stack->DeviceObject = DeviceObject;
    Stack->CompletionRoutine = Completion;
    Stack->Control = SL_PENDING_RETURNED | SL_INVOKE_ON_SUCCESS;
    Stack->Parameters.Read.Length = 0x55;
    KeBugCheckEx(0xE2, (ULONG_PTR)Irp, 2, 3, 4);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;

    UNREFERENCED_PARAMETER(RegistryPath);
    RtlInitUnicodeString(&Name, L"\\Device\\Objects");
    RtlInitUnicodeString(&Link, L"\\DosDevices\\Objects");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Success;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Success;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Success;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Stop;
    IoCreateDevice(DriverObject, sizeof(EXTENSION), &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    IoCreateSymbolicLink(&Link, &Name);
    return STATUS_SUCCESS;
}
