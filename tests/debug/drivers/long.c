/*
 * A long execution with a violation at its end: requests compute for millions of instructions on private data, take turns with
 * another thread through a shared counter, and the last one frees a block twice.
 */
#include <ntddk.h>

#define ROUNDS 600000u
#define TURNS 10u
#define LONG_TAG 'gnoL'

static volatile LONG Turns;
static ULONG Result;

DECLSPEC_NOINLINE static ULONG Compute(ULONG Seed)
{
    ULONG Value = Seed | 1;

    for (ULONG Round = 0; Round < ROUNDS; Round++)
        Value = (Value << 5) - (Value >> 3) + Round;
    return Value;
}

static NTSTATUS NTAPI LongDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        for (ULONG Turn = 0; Turn < TURNS; Turn++) {
            Result += Compute(Turn);
            InterlockedIncrement(&Turns);
        }
        PVOID Block = ExAllocatePoolWithTag(NonPagedPool, 64, LONG_TAG);
        PVOID volatile Again = Block;
        ExFreePoolWithTag(Block, LONG_TAG);
        ExFreePoolWithTag(Again, LONG_TAG);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Long"), Link = RTL_CONSTANT_STRING(L"\\DosDevices\\Long");
    PDEVICE_OBJECT Device;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status))
        return Status;
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = LongDispatch;
    return IoCreateSymbolicLink(&Link, &Name);
}
