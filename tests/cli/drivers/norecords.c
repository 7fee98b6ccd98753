/* Stops the system with parameters that should be the addresses of records and are anything else. */
#include <ntddk.h>

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    KeBugCheckEx(0x1000007E, 0xFFFFFFFFFFFFFFFF, 0x10, 0xFFFFF78000000FF8, 0x4141414141414141);
    return STATUS_UNSUCCESSFUL;
}
