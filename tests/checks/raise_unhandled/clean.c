/* The twin of bad.c: handled. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    __try
    {
        ExRaiseStatus(STATUS_CANCELLED);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        return STATUS_CANCELLED;
    }
}

VOID CheckUnload(VOID)
{
}
