/* Freed pool is found whatever surrounds the access. */
#include "../check.h"

static __attribute__((noinline)) ULONG Read(volatile ULONG *Address)
{
    return *Address;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PULONG Block = ExAllocatePoolWithTag(NonPagedPool, sizeof(ULONG), CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExFreePoolWithTag(Block, CHECK_TAG);
    __try
    {
        return (NTSTATUS)Read(Block) == 1;
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        return STATUS_UNSUCCESSFUL;
    }
}

VOID CheckUnload(VOID)
{
}
