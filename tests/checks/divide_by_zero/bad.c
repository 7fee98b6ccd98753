/* A division by zero. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile ULONG Zero = 0;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)(7 / Zero);
}

VOID CheckUnload(VOID)
{
}
