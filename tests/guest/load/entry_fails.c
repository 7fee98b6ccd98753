/*
 * A DriverEntry that fails: no unload routine is called, and load reports the status.
 */
#include "../load.h"

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    LoadOk(FALSE, "FailedDriverEntryIsNotFollowedByUnload");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    LoadPlan(1);
    LoadOk(TRUE, "FailedDriverEntryIsNotFollowedByUnload");
    return STATUS_DEVICE_CONFIGURATION_ERROR;
}
