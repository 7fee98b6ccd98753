/* The twin of bad.c without the mistake. */
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
    __try
    {
        Read(Block);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        return STATUS_UNSUCCESSFUL;
    }
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
