/* The twin of bad.c without the mistake. */
#include "../check.h"

static __attribute__((noinline)) ULONG Read(volatile ULONG *Address)
{
    return *Address;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    __try
    {
        return (NTSTATUS)Read(CheckOpaque(&Number)) == 1;
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        return STATUS_UNSUCCESSFUL;
    }
}

VOID CheckUnload(VOID)
{
}
