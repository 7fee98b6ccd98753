/*
 * Unload waits for the last handle; new opens are refused meanwhile.
 */
#include "../load.h"

static PDEVICE_OBJECT Device;
static LONG Creates, Closes, Cleanups, Controls, Unloads;
static BOOLEAN UnloadedWhileOpen;

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    switch (IoGetCurrentIrpStackLocation(Irp)->MajorFunction)
    {
    case IRP_MJ_CREATE:
        Creates++;
        break;
    case IRP_MJ_CLEANUP:
        Cleanups++;
        break;
    case IRP_MJ_CLOSE:
        Closes++;
        break;
    default:
        Controls++;
        break;
    }
    return LoadComplete(Irp, STATUS_SUCCESS);
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    Unloads++;
    UnloadedWhileOpen = Closes != Creates;
    LoadPlan(6);
    LoadOk(!UnloadedWhileOpen, "UnloadIsDeferredUntilTheLastHandleIsClosed");
    LoadOk(Controls == 2, "OpenHandleWorksWhileUnloadIsPending");
    LoadOk(Creates == 1, "OpenIsRefusedWhileUnloadIsPending");
    LoadOk(Cleanups == 1 && Closes == 1, "CleanupAndCloseArriveOnceEach");
    LoadOk(Unloads == 1, "UnloadRunsOnce");
    LoadOk(KeGetCurrentIrql() == PASSIVE_LEVEL, "UnloadRunsAtPassiveLevel");
    LoadDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Major;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
    {
        DriverObject->MajorFunction[Major] = Dispatch;
    }
    DriverObject->DriverUnload = Unload;
    return LoadCreateDevice(DriverObject, &Device);
}
