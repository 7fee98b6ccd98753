/* A kernel address is read where nothing is mapped. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile ULONG *Wild = CheckOpaque((PVOID)0xFFFFF68000001230ull);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)*Wild;
}

VOID CheckUnload(VOID)
{
}
