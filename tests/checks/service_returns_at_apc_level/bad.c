/* A dispatch routine of a user request returns at APC_LEVEL. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(APC_LEVEL, &Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
