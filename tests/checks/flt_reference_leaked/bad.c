/* A reference on the filter is never given back: unregistering waits for it for ever. */
#include "../flt.h"

static const FLT_OPERATION_REGISTRATION None[] = {{.MajorFunction = IRP_MJ_OPERATION_END}};

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    FilterStart(DeviceObject, None, NULL);
    FltObjectReference(Filter);
    FltUnregisterFilter(Filter);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
