/* The twin of bad.c: they can. */
#include "../check.h"

static NPAGED_LOOKASIDE_LIST List;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, 8, CHECK_TAG, 0);
    ExDeleteNPagedLookasideList(&List);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
