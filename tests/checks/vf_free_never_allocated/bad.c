/* Memory of the image is given to ExFreePool. */
#include "../check.h"

static ULONG64 Place[8];

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExFreePoolWithTag(CheckOpaque(&Place), CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
