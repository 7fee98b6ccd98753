/* A fast mutex is released after the IRQL has been lowered. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    FAST_MUTEX Mutex;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ExInitializeFastMutex(&Mutex);
    ExAcquireFastMutex(&Mutex);
    __writecr8(PASSIVE_LEVEL);
    ExReleaseFastMutex(&Mutex);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
