/* The document's second idea: a device that DriverEntry makes keeps DO_DEVICE_INITIALIZING until the I/O manager clears it
 * after DriverEntry has returned. The unload callback sleeps until then. */
#include "isolate.h"

#define MILLISECONDS(n) ((LONGLONG)(n) * -10000)

static PDEVICE_OBJECT Device;

VOID BeforeUnload(VOID)
{
    LARGE_INTEGER Pause;

    Pause.QuadPart = MILLISECONDS(10);
    while (*(volatile ULONG *)&Device->Flags & DO_DEVICE_INITIALIZING)
    {
        KeDelayExecutionThread(KernelMode, FALSE, &Pause);
    }
    IoDeleteDevice(Device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = RegisterFilter(DriverObject);
    if (!NT_SUCCESS(Status))
    {
        IoDeleteDevice(Device);
        return Status;
    }
    Status = SetupWorkerQueues();
    if (!NT_SUCCESS(Status))
    {
        FltUnregisterFilter(FilterHandle);
        IoDeleteDevice(Device);
        return Status;
    }
    Status = FltStartFiltering(FilterHandle);
    if (!NT_SUCCESS(Status))
    {
        FltUnregisterFilter(FilterHandle);
        StopWorkerQueues();
        IoDeleteDevice(Device);
    }
    return Status;
}
