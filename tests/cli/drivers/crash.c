/* Crashes in DriverEntry, before any thread of a scenario runs. */
#include <ntddk.h>

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    *(PVOID volatile *)((PUCHAR)DriverObject->DriverExtension + 0x7000000000000000ull) = NULL;
    return STATUS_SUCCESS;
}
