/*
 * A driver that can be unloaded before its DriverEntry has returned: what Windows 7 allows and Windows 8 does not
 * (nt-semantics L3). DriverEntry only needs a few accesses that Unload has too, so that there is something between them.
 */
#include <wdm.h>

static volatile LONG Progress;

static VOID NTAPI RaceUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    InterlockedIncrement(&Progress);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = RaceUnload;
    InterlockedIncrement(&Progress);
    InterlockedIncrement(&Progress);
    return STATUS_SUCCESS;
}
