/* A DPC routine waits with a timeout that is not zero. */
#include "../check.h"

static KEVENT Never, Done;
static KDPC Dpc;

static VOID NTAPI DpcRoutine(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LARGE_INTEGER Timeout = CheckRelative(10);

    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, &Timeout);
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    KeInitializeDpc(&Dpc, DpcRoutine, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    KeFlushQueuedDpcs();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
