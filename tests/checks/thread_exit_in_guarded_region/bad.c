/* A system thread exits in a guarded region. */
#include "../check.h"

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterGuardedRegion();
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
