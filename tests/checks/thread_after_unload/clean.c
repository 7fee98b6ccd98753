/* Unload waits for the thread object, which is signalled after the thread has left the driver. */
#include "../check.h"

static CHECK_THREAD Worker;

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    CheckStartThread(&Worker, Thread, NULL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    CheckJoinThread(&Worker);
}
