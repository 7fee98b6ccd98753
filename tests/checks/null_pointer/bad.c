/* A member is read through a null pointer. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PDEVICE_OBJECT Device = CheckOpaque(NULL);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return ((volatile DEVICE_OBJECT *)Device)->Flags == 1;
}

VOID CheckUnload(VOID)
{
}
