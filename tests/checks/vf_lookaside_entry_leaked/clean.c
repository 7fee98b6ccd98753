/* The twin of bad.c: the entry is freed first. */
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
    ExFreeToNPagedLookasideList(&List, Entry);
    ExDeleteNPagedLookasideList(&List);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
