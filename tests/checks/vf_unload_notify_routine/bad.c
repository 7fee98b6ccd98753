/* A thread notify routine is still registered when the driver is unloaded. */
#include "../check.h"

static VOID NTAPI Notify(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    UNREFERENCED_PARAMETER(ProcessId);
    UNREFERENCED_PARAMETER(ThreadId);
    UNREFERENCED_PARAMETER(Create);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    PsSetCreateThreadNotifyRoutine(Notify);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
