/* Reads through a NULL pointer, in a function that has a name only in the PDB. */
#include <ntddk.h>

static __attribute__((noinline)) ULONG TouchNothing(volatile ULONG *Pointer)
{
    return *Pointer;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DbgPrint("%u\n", TouchNothing((volatile ULONG *)(ULONG_PTR)DriverObject->DriverStart + 0x40000000));
    return STATUS_SUCCESS;
}
