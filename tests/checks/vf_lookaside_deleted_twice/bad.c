/* A lookaside list is deleted that is not initialised any more. */
#include "../check.h"

static NPAGED_LOOKASIDE_LIST List;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, 32, CHECK_TAG, 0);
    ExDeleteNPagedLookasideList(&List);
    ExDeleteNPagedLookasideList(&List);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
