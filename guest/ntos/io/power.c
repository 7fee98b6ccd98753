/*
 * Power requests, as from Windows Vista on: PoCallDriver is IoCallDriver and PoStartNextPowerIrp
 * has nothing to do.
 */
#include "guest/include/iop.h"

NTEXPORT(PoCallDriver, DISPATCH_LEVEL, "irp device");
NTSTATUS NTAPI PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IofCallDriver(DeviceObject, Irp);
}

NTEXPORT(PoStartNextPowerIrp, DISPATCH_LEVEL, "irp");
VOID NTAPI PoStartNextPowerIrp(PIRP Irp)
{
}

/* PowerFlags: system state in bits 0..3, device state in bits 4..7. */
NTEXPORT(PoSetPowerState, DISPATCH_LEVEL, "device");
POWER_STATE NTAPI PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type,
                                  POWER_STATE State)
{
    PIOP_DEVOBJ_EXTENSION Extension = IopExtensionOf(DeviceObject);
    POWER_STATE Old;

    if (Type == SystemPowerState)
    {
        Old.SystemState = (SYSTEM_POWER_STATE)(Extension->PowerFlags & 15);
        Extension->PowerFlags = (Extension->PowerFlags & ~15u) | (State.SystemState & 15);
    }
    else
    {
        Old.DeviceState = (DEVICE_POWER_STATE)(Extension->PowerFlags >> 4 & 15);
        Extension->PowerFlags = (Extension->PowerFlags & ~0xF0u) | (State.DeviceState & 15) << 4;
    }
    return Old;
}

/* A requested power IRP and what to call when it has completed. */
typedef struct _IOP_POWER_REQUEST
{
    PDEVICE_OBJECT Device, Top;
    PREQUEST_POWER_COMPLETE Routine;
    PVOID Context;
    POWER_STATE State;
    UCHAR Minor;
} IOP_POWER_REQUEST, *PIOP_POWER_REQUEST;

static NTSTATUS NTAPI IopPowerCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PIOP_POWER_REQUEST Request = Context;
    PDEVICE_OBJECT Top = Request->Top;

    if (Request->Routine != NULL)
    {
        IO_STATUS_BLOCK IoStatus = Irp->IoStatus;
        Request->Routine(Request->Device, Request->Minor, Request->State, Request->Context,
                         &IoStatus);
    }
    ExFreePoolWithTag(Request, IOP_TAG);
    IoFreeIrp(Irp);
    ObfDereferenceObject(Top);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTEXPORT(PoRequestPowerIrp, DISPATCH_LEVEL, "irp device");
NTSTATUS NTAPI PoRequestPowerIrp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                 POWER_STATE PowerState, PREQUEST_POWER_COMPLETE CompletionFunction,
                                 PVOID Context, PIRP *Irp)
{
    PIOP_POWER_REQUEST Request;
    PIO_STACK_LOCATION Stack;
    PDEVICE_OBJECT Top;
    PIRP New;

    if (MinorFunction != IRP_MN_SET_POWER && MinorFunction != IRP_MN_QUERY_POWER &&
        MinorFunction != IRP_MN_WAIT_WAKE)
    {
        return STATUS_INVALID_PARAMETER_2;
    }
    Request = ExAllocatePoolWithTag(NonPagedPool, sizeof *Request, IOP_TAG);
    if (Request == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Top = IoGetAttachedDeviceReference(DeviceObject);
    New = IoAllocateIrp(Top->StackSize, FALSE);
    if (New == NULL)
    {
        ExFreePoolWithTag(Request, IOP_TAG);
        ObfDereferenceObject(Top);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Request = (IOP_POWER_REQUEST){DeviceObject, Top,        CompletionFunction,
                                   Context,      PowerState, MinorFunction};
    New->IoStatus.Status = STATUS_NOT_SUPPORTED;
    New->Tail.Overlay.Thread = (PETHREAD)KiCurrentThread();
    Stack = IoGetNextIrpStackLocation(New);
    Stack->MajorFunction = IRP_MJ_POWER;
    Stack->MinorFunction = MinorFunction;
    if (MinorFunction == IRP_MN_WAIT_WAKE)
    {
        Stack->Parameters.WaitWake.PowerState = PowerState.SystemState;
    }
    else
    {
        Stack->Parameters.Power.Type = DevicePowerState;
        Stack->Parameters.Power.State = PowerState;
    }
    IoSetCompletionRoutine(New, IopPowerCompletion, Request, TRUE, TRUE, TRUE);
    if (Irp != NULL)
    {
        *Irp = New;
    }
    IofCallDriver(Top, New);
    return STATUS_PENDING;
}
