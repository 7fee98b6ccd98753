/* A system thread exits owning a mutex. */
#include "../check.h"

static KMUTEX Mutex;

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    CHECK_THREAD Worker;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeMutex(&Mutex, 0);
    CheckStartThread(&Worker, Thread, NULL);
    CheckJoinThread(&Worker);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
