/* In a guarded region, at PASSIVE_LEVEL: that holds special kernel APCs back just as well. */
#include "upper.h"

VOID AskAndMount(PDEVICE_OBJECT TargetDevice)
{
    KeEnterGuardedRegion();
    SendAnIoctl(TargetDevice);
    MountVolume();
    KeLeaveGuardedRegion();
}
