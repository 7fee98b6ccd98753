/* Unload waits for the event that a system thread sets as its last act, not for the thread. */
#include "../check.h"

static KEVENT Finished;

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Finished, IO_NO_INCREMENT, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    HANDLE Handle;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Finished, NotificationEvent, FALSE);
    PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Thread, NULL);
    ZwClose(Handle);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    KeWaitForSingleObject(&Finished, Executive, KernelMode, FALSE, NULL);
}
