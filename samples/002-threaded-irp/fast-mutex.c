/*
 * Under a fast mutex, so at APC_LEVEL: the special kernel APC waits in the queue until the mutex is
 * released. By then SendAnIoctl has returned and MountVolume has used its stack.
 */
#include "upper.h"

VOID AskAndMount(PDEVICE_OBJECT TargetDevice)
{
    ExAcquireFastMutex(&UpperMutex);
    SendAnIoctl(TargetDevice);
    MountVolume();
    ExReleaseFastMutex(&UpperMutex);
}
