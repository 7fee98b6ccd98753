/* In a critical region: that holds back normal kernel APCs only, and I/O completion is a special
 * one. */
#include "upper.h"

VOID AskAndMount(PDEVICE_OBJECT TargetDevice)
{
    KeEnterCriticalRegion();
    SendAnIoctl(TargetDevice);
    MountVolume();
    KeLeaveCriticalRegion();
}
