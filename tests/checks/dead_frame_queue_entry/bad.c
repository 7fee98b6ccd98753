/* An entry in a frame is still in a queue when the frame has returned. */
#include "../check.h"

static KQUEUE Queue;

static DECLSPEC_NOINLINE VOID QueueLocalEntry(VOID)
{
    LIST_ENTRY Entry;

    InitializeListHead(&Entry);
    KeInsertQueue(&Queue, CheckOpaque(&Entry));
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeQueue(&Queue, 1);
    QueueLocalEntry();
    KeRemoveQueue(&Queue, KernelMode, NULL);
    KeRundownQueue(&Queue);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
