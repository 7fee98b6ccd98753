/* The unsafe form of releasing a fast mutex, with APCs enabled. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    FAST_MUTEX Mutex;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeFastMutex(&Mutex);
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Mutex);
    KeLeaveCriticalRegion();
    ExReleaseFastMutexUnsafe(&Mutex);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
