/*
 * A DriverEntry that fails: no unload routine is called, and the driver may be loaded again. Each load is of
 * a fresh image.
 */
#include "../load.h"

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    LoadOk(FALSE, "UnloadIsNotCalledAfterAFailedDriverEntry");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static LONG Entered;

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    LoadPlan(1);
    LoadOk(++Entered == 1, "EachLoadStartsFromAFreshImage");
    return STATUS_DEVICE_CONFIGURATION_ERROR;
}
