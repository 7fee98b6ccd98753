/* The log of IRPs stands in the report of a bad access too, which the machine meets itself. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile ULONG *Block = ExAllocatePoolWithTag(NonPagedPool, sizeof(ULONG), CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExFreePoolWithTag((PVOID)Block, CHECK_TAG);
    return (NTSTATUS)*Block == 1;
}

VOID CheckUnload(VOID)
{
}
