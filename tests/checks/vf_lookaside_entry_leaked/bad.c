/* An entry of a lookaside list is still allocated when the list is deleted and the driver unloaded. */
#include "../check.h"

static NPAGED_LOOKASIDE_LIST List;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PVOID Entry;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, 32, CHECK_TAG, 0);
    Entry = ExAllocateFromNPagedLookasideList(&List);
    RtlZeroMemory(Entry, 32);
    ExDeleteNPagedLookasideList(&List);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
