/* A system thread exits in a critical region. */
#include "../check.h"

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
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
