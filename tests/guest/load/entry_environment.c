/*
 * What DriverEntry is given, and what the system does behind it.
 */
#include "../load.h"

static PDEVICE_OBJECT Device;
static BOOLEAN InitializingInEntry, PathIsGiven, PassiveInEntry, NoDevices, DefaultDispatch;

static NTSTATUS NTAPI Create(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LoadPlan(6);
    LoadOk(PassiveInEntry, "DriverEntryRunsAtPassiveLevelWithApcsEnabled");
    LoadOk(NoDevices, "NewDriverObjectHasNoDevices");
    LoadOk(DefaultDispatch, "UnsetDispatchRoutinesAreFilledIn");
    LoadOk(PathIsGiven, "RegistryPathEndsInTheServiceName");
    LoadOk(InitializingInEntry, "DeviceIsInitializingUntilDriverEntryReturns");
    LoadOk((DeviceObject->Flags & DO_DEVICE_INITIALIZING) == 0,
           "InitializingFlagIsClearedAfterDriverEntry");
    return LoadComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"entry_environment");
    UNICODE_STRING Tail;
    NTSTATUS Status;

    PassiveInEntry = KeGetCurrentIrql() == PASSIVE_LEVEL && !KeAreAllApcsDisabled();
    NoDevices = DriverObject->DeviceObject == NULL;
    DefaultDispatch = DriverObject->MajorFunction[IRP_MJ_READ] != NULL &&
                      DriverObject->MajorFunction[IRP_MJ_READ] ==
                          DriverObject->MajorFunction[IRP_MJ_PNP];
    if (RegistryPath->Length >= Name.Length)
    {
        Tail.Length = Tail.MaximumLength = Name.Length;
        Tail.Buffer = RegistryPath->Buffer + (RegistryPath->Length - Name.Length) / sizeof(WCHAR);
        PathIsGiven = RtlEqualUnicodeString(&Tail, &Name, TRUE);
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Create;
    Status = LoadCreateDevice(DriverObject, &Device);
    InitializingInEntry = (Device->Flags & DO_DEVICE_INITIALIZING) != 0;
    return Status;
}
