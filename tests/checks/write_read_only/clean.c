/* The twin of bad.c without the mistake. */
#include "../check.h"

static volatile ULONG Variable = 7;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    *(volatile ULONG *)CheckOpaque((PVOID)&Variable) = Variable + 1;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
