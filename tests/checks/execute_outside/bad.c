/* A function pointer that was never set is called. */
#include "../check.h"

typedef VOID CODE(VOID);

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ((CODE *)CheckOpaque(NULL))();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
