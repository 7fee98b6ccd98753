/* The document's second mitigation: an event is set at the end of DriverEntry; the unload callback waits for it, and for a
 * few seconds more, in which DriverEntry is expected to have returned. */
#include "isolate.h"

#define SECONDS(n) ((LONGLONG)(n) * -10000000)

/* Initialized before it is registered; a notification event, so that it stays set. */
static KEVENT EntryDone;

VOID BeforeUnload(VOID)
{
    LARGE_INTEGER Pause;

    KeWaitForSingleObject(&EntryDone, Executive, KernelMode, FALSE, NULL);
    Pause.QuadPart = SECONDS(3);
    KeDelayExecutionThread(KernelMode, FALSE, &Pause);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&EntryDone, NotificationEvent, FALSE);
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
    KeSetEvent(&EntryDone, IO_NO_INCREMENT, FALSE);
    return Status;
}
