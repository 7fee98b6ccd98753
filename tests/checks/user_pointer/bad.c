/* A pointer of the user is used without a handler around. */
#include "../check.h"

static __attribute__((noinline)) ULONG Read(volatile ULONG *Address)
{
    return *Address;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)Read(CheckOpaque((PVOID)0x10000)) == 1;
}

VOID CheckUnload(VOID)
{
}
