/* A breakpoint is left in, and there is no debugger. */
#include "../check.h"

static __attribute__((noinline)) VOID Broken(VOID)
{
    __asm__ volatile("int3");
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Broken();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
