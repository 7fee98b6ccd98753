/* An address that no x64 processor accepts is read. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile ULONG *Wild = CheckOpaque((PVOID)0x8000123400001230ull);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)*Wild;
}

VOID CheckUnload(VOID)
{
}
