/* Uses an export that nobody implements. */
#include <ntddk.h>

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    IoRaiseInformationalHardError(STATUS_UNSUCCESSFUL, NULL, NULL);
    return STATUS_SUCCESS;
}
