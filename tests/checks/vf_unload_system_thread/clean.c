/* The twin of bad.c: it is. */
#include "../check.h"

static CHECK_THREAD Thread;
static KEVENT Leave;

static VOID NTAPI Runner(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Leave, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Leave, NotificationEvent, FALSE);
    CheckStartThread(&Thread, Runner, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    KeSetEvent(&Leave, 0, FALSE);
    CheckJoinThread(&Thread);
}
