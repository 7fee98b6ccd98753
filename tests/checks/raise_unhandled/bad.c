/* A raised status that nobody handles. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExRaiseStatus(STATUS_CANCELLED);
}

VOID CheckUnload(VOID)
{
}
