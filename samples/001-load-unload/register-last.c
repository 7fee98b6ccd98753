/* The document's mitigation: registration is the last thing. Nothing is torn down half-built, but DriverEntry has still to
 * return. */
#include "isolate.h"

VOID BeforeUnload(VOID)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = SetupWorkerQueues();
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = RegisterFilter(DriverObject);
    if (!NT_SUCCESS(Status))
    {
        StopWorkerQueues();
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
