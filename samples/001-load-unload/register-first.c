/* As in the crash: the filter is registered, so can be unloaded, before the queues exist. */
#include "isolate.h"

VOID BeforeUnload(VOID)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = RegisterFilter(DriverObject);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = SetupWorkerQueues();
    if (!NT_SUCCESS(Status))
    {
        FltUnregisterFilter(FilterHandle);
        return Status;
    }
    Status = FltStartFiltering(FilterHandle);
    if (!NT_SUCCESS(Status))
    {
        FltUnregisterFilter(FilterHandle);
        StopWorkerQueues();
    }
    return Status;
}
