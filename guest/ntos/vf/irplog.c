/*
 * IRP logging: the latest IRPs sent to each device of a verified driver, twenty of them as Windows keeps. The log lies in
 * the kernel's variable VfIrpLog (abi/verifier.h says how to read it), and every violation's report ends with it
 * (check/irp_log.c). Nobody decides by it, so it is no footprint.
 */
#include "guest/include/vf.h"

struct rd_irp_log VfIrpLog;

static NOLOG struct rd_irp_ring *VfIrpRing(ULONG64 Device)
{
    struct rd_irp_ring *Ring = VfIrpLog.devices;

    while (Ring != VfIrpLog.devices + RD_VF_IRP_DEVICES && Ring->device != Device && Ring->device != 0)
    {
        Ring++;
    }
    if (Ring == VfIrpLog.devices + RD_VF_IRP_DEVICES)
    {
        VfIrpLog.dropped++;
        return NULL;
    }
    Ring->device = Device;
    return Ring;
}

NOLOG VOID VfLogIrp(ULONG64 Device, ULONG64 Irp, ULONG64 Caller, UCHAR Major, UCHAR Minor)
{
    struct rd_irp_ring *Ring = VfIrpRing(Device);
    struct rd_irp_record *Record;

    if (Ring == NULL)
    {
        return;
    }
    Record = &Ring->records[Ring->total++ % RD_VF_IRP_RECORDS];
    Record->irp = Irp;
    Record->thread = RD_ADDRESS(KiCurrentThread());
    Record->caller = Caller;
    Record->major = Major;
    Record->minor = Minor;
}
