/*
 * IRP logging: the latest IRPs sent to each device of a verified driver, twenty of them as Windows keeps. The log lies in
 * the kernel's variable VfIrpLog (abi/verifier.h says how to read it), and every bugcheck's report ends with it. Nobody
 * decides by it, so it is no footprint.
 */
#include "guest/include/vfmem.h"

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

static NOLOG BOOLEAN VfReadIrpLog(ULONG Device, ULONG Age, ULONG64 *Address, struct rd_irp_record *Record)
{
    const struct rd_irp_ring *Ring = &VfIrpLog.devices[Device];

    if (Age >= RD_VF_IRP_RECORDS || Age >= Ring->total)
    {
        return FALSE;
    }
    *Address = Ring->device;
    *Record = Ring->records[(Ring->total - 1 - Age) % RD_VF_IRP_RECORDS];
    return TRUE;
}

/* Latest first, device by device. */
VOID VfNoteIrpLog(VOID)
{
    struct rd_irp_record Record;
    CHAR Text[120];
    ULONG64 Address;

    for (ULONG Device = 0; Device < RD_VF_IRP_DEVICES; Device++)
    {
        for (ULONG Age = 0; VfReadIrpLog(Device, Age, &Address, &Record); Age++)
        {
            _snprintf(Text, sizeof Text - 1, "IRP %016I64x (%x,%x) to device %016I64x", Record.irp,
                Record.major, Record.minor, Address);
            Text[sizeof Text - 1] = 0;
            RdNote(RD_NOTE_LOG, Text, &Record.caller, 1, (PVOID)(ULONG_PTR)Record.thread);
        }
    }
}
