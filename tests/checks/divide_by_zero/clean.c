/* The twin of bad.c without the mistake. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile ULONG Eight = 8;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)(7 / Eight);
}

VOID CheckUnload(VOID)
{
}
