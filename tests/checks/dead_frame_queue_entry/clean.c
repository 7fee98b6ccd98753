/* The twin of bad.c without the mistake: the entry is taken back first. */
#include "../check.h"

static KQUEUE Queue;

static DECLSPEC_NOINLINE VOID QueueLocalEntry(VOID)
{
    LIST_ENTRY Entry;

    InitializeListHead(&Entry);
    KeInsertQueue(&Queue, CheckOpaque(&Entry));
    KeRemoveQueue(&Queue, KernelMode, NULL);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeQueue(&Queue, 1);
    QueueLocalEntry();
    KeRundownQueue(&Queue);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
