/* An MDL is still allocated when the driver is unloaded. */
#include "../check.h"

static PMDL Mdl;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Mdl = IoAllocateMdl(&Mdl, sizeof Mdl, FALSE, FALSE, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
