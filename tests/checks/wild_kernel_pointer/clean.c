/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    ULONG Value = 0;
    volatile ULONG *Good = CheckOpaque(&Value);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)*Good;
}

VOID CheckUnload(VOID)
{
}
