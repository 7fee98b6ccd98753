/* As the function was meant: at PASSIVE_LEVEL with special kernel APCs enabled, which the driver
 * makes sure of. */
#include "upper.h"

VOID AskAndMount(PDEVICE_OBJECT TargetDevice)
{
    NT_ASSERT(!KeAreAllApcsDisabled());
    SendAnIoctl(TargetDevice);
    MountVolume();
}
