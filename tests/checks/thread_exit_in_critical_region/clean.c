/* The twin of bad.c without the mistake. */
#include "../check.h"

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    KeLeaveCriticalRegion();
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    CHECK_THREAD Worker;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    CheckStartThread(&Worker, Thread, NULL);
    CheckJoinThread(&Worker);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
