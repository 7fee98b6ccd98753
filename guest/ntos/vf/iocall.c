/*
 * I/O verification of IoCallDriver (verifier.md section 5, and the sequence that seed 003 describes): record the state of the
 * thread, call the driver, compare. It looks on when the driver that is called is verified, whoever calls it, and when
 * the caller is; what the callee left behind is held against a verified callee only.
 *
 * Calls in progress stand in a list, each in its caller's frame, so that completion and the removal of a device can tell
 * the call they happen to; the IRP itself may be gone by the time its dispatch routine returns. The list orders nothing: its
 * links are not footprint, what is told about a call is.
 */
#include "guest/include/vf.h"

static LIST_ENTRY IovCalls = {&IovCalls, &IovCalls};

#define IOV_CALL_OF(Entry) CONTAINING_RECORD(Entry, IOV_CALL, next)

static NOLOG VOID VfInsertCall(PIOV_CALL Call)
{
    InsertHeadList(&IovCalls, (PLIST_ENTRY)&Call->next);
    RdTouch(&Call->flags, sizeof Call->flags, TRUE);
}

static NOLOG VOID VfRemoveCall(PIOV_CALL Call)
{
    RemoveEntryList((PLIST_ENTRY)&Call->next);
    RdTouch(&Call->flags, sizeof Call->flags, FALSE);
}

NOLOG VOID VfNoteCallsOfLocation(
    PIRP Irp, PIO_STACK_LOCATION Location, NTSTATUS Status, BOOLEAN Marked)
{
    for (PLIST_ENTRY Entry = IovCalls.Flink; Entry != &IovCalls; Entry = Entry->Flink)
    {
        PIOV_CALL Call = IOV_CALL_OF(Entry);
        if (Call->irp == RD_ADDRESS(Irp) && Call->location == RD_ADDRESS(Location))
        {
            Call->flags |= RD_VF_CALL_COMPLETED | (Marked ? RD_VF_CALL_MARKED : 0);
            Call->completed_status = Status;
            RdTouch(&Call->flags, sizeof Call->flags, TRUE);
        }
    }
}

NOLOG VOID VfNoteCallsOfDevice(PDEVICE_OBJECT DeviceObject, ULONG Flags)
{
    for (PLIST_ENTRY Entry = IovCalls.Flink; Entry != &IovCalls; Entry = Entry->Flink)
    {
        PIOV_CALL Call = IOV_CALL_OF(Entry);
        if (Call->device_object == RD_ADDRESS(DeviceObject))
        {
            Call->flags |= Flags;
            RdTouch(&Call->flags, sizeof Call->flags, TRUE);
        }
    }
}

NOLOG BOOLEAN VfIsDeviceHandling(PDEVICE_OBJECT DeviceObject, UCHAR Major, UCHAR Minor)
{
    for (PLIST_ENTRY Entry = IovCalls.Flink; Entry != &IovCalls; Entry = Entry->Flink)
    {
        PIOV_CALL Call = IOV_CALL_OF(Entry);
        if (Call->device_object == RD_ADDRESS(DeviceObject) && Call->major == Major &&
            Call->minor == Minor && Call->thread == RD_ADDRESS(KiCurrentThread()))
        {
            return TRUE;
        }
    }
    return FALSE;
}

/* Is there a call with this IRP whose callee still has it? */
NOLOG BOOLEAN VfIsIrpInCall(PIRP Irp)
{
    for (PLIST_ENTRY Entry = IovCalls.Flink; Entry != &IovCalls; Entry = Entry->Flink)
    {
        PIOV_CALL Call = IOV_CALL_OF(Entry);
        if (Call->irp == RD_ADDRESS(Irp) && !(Call->flags & RD_VF_CALL_COMPLETED))
        {
            RdTouch(&Call->flags, sizeof Call->flags, FALSE);
            return TRUE;
        }
    }
    return FALSE;
}

/* The callee of the innermost call with this IRP sends it on. */
NOLOG VOID VfNoteForwarded(PIRP Irp)
{
    for (PLIST_ENTRY Entry = IovCalls.Flink; Entry != &IovCalls; Entry = Entry->Flink)
    {
        PIOV_CALL Call = IOV_CALL_OF(Entry);
        if (Call->irp == RD_ADDRESS(Irp))
        {
            Call->flags |= RD_VF_CALL_FORWARDED;
            RdTouch(&Call->flags, sizeof Call->flags, TRUE);
            return;
        }
    }
}

/* Named so in the seed: the caller's stack is the evidence, so nothing is to be put over it. */
DECLSPEC_NORETURN __attribute__((noinline)) VOID VfBugCheckNoStackUsage(ULONG Code,
    ULONG_PTR Parameter1, ULONG_PTR Parameter2, ULONG_PTR Parameter3, ULONG_PTR Parameter4)
{
    KeBugCheckEx(Code, Parameter1, Parameter2, Parameter3, Parameter4);
}

#define VfInterruptsEnabled() ((__readeflags() & 0x200) != 0)

/* Is the IRP one that only a special kernel APC in its thread can complete? */
static BOOLEAN VfNeedsApc(PIRP Irp)
{
    return !IsListEmpty(&Irp->ThreadListEntry) &&
           !(Irp->Flags & (IRP_ASSOCIATED_IRP | IRP_CLOSE_OPERATION | IRP_DEFER_IO_COMPLETION));
}

/* A request begins with a status that says that nobody has handled it, and one that somebody failed goes no further. */
static const struct
{
    UCHAR Major;
    USHORT WrongAtFirst, FailedAndSent;
} VfStatusRules[] = {
    {IRP_MJ_PNP, 0x20E, 0x215}, {IRP_MJ_POWER, 0x20F, 0x219}, {IRP_MJ_SYSTEM_CONTROL, 0x210, 0}};

static VOID VfCheckStatus(PIRP Irp, UCHAR Major, ULONG_PTR Caller)
{
    NTSTATUS Status = Irp->IoStatus.Status;
    BOOLEAN New = Irp->CurrentLocation == Irp->StackCount + 1;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(VfStatusRules); Index++)
    {
        if (VfStatusRules[Index].Major != Major || Status == STATUS_NOT_SUPPORTED)
        {
            continue;
        }
        if (New)
        {
            VfBugCheckNoStackUsage(
                IOV_VIOLATION, VfStatusRules[Index].WrongAtFirst, Caller, RD_ADDRESS(Irp), 0);
        }
        if (!NT_SUCCESS(Status) && VfStatusRules[Index].FailedAndSent != 0)
        {
            VfBugCheckNoStackUsage(
                IOV_VIOLATION, VfStatusRules[Index].FailedAndSent, Caller, RD_ADDRESS(Irp), 0);
        }
    }
}

#define VF_FILE_GONE (FO_CLEANUP_COMPLETE | FO_FILE_OPEN_CANCELLED)

/* What is wrong with the call before it is made. Caller: where it comes from. */
static VOID VfCheckCall(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG_PTR Caller)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (Irp == NULL || Irp->Type != IO_TYPE_IRP)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x03, RD_ADDRESS(Irp), 0, 0);
    }
    if (DeviceObject == NULL)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x204, Caller, RD_ADDRESS(Irp), 0);
    }
    if (DeviceObject->Type != IO_TYPE_DEVICE)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x04, RD_ADDRESS(DeviceObject), 0, 0);
    }
    if (!VfInterruptsEnabled())
    {
        VfBugCheckNoStackUsage(0xC4, 0xC0, RD_ADDRESS(Irp), 0, 0);
    }
    if (Irql > DISPATCH_LEVEL)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x10, Irql, 0, 0);
    }
    if (Irp->CurrentLocation <= 1)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x208, Caller, RD_ADDRESS(Irp), 0);
    }
    if (Irp->CancelRoutine != NULL)
    {
        VfBugCheckNoStackUsage(
            IOV_VIOLATION, 0x203, Caller, RD_ADDRESS(Irp), RD_ADDRESS(Irp->CancelRoutine));
    }
    if (IoGetNextIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x206, Caller, RD_ADDRESS(Irp), 0);
    }
    if (IoGetNextIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE &&
        IoGetNextIrpStackLocation(Irp)->FileObject != NULL &&
        (IoGetNextIrpStackLocation(Irp)->FileObject->Flags & VF_FILE_GONE))
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x0F, RD_ADDRESS(DeviceObject), RD_ADDRESS(Irp),
            RD_ADDRESS(IoGetNextIrpStackLocation(Irp)->FileObject));
    }
    VfCheckStatus(Irp, IoGetNextIrpStackLocation(Irp)->MajorFunction, Caller);
    if (VfNeedsApc(Irp) && (Irql >= APC_LEVEL || KiCurrentThread()->SpecialApcDisable != 0))
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x302, Caller, RD_ADDRESS(Irp), Irql);
    }
}

static VOID VfBeforeCallDriver(PIOV_CALL Call, PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);

    RtlZeroMemory(Call, sizeof *Call);
    Call->irp = RD_ADDRESS(Irp);
    Call->thread = RD_ADDRESS(KiCurrentThread());
    Call->dispatch_routine =
        RD_ADDRESS(DeviceObject->DriverObject->MajorFunction[Stack->MajorFunction]);
    Call->apc_disable = KiCurrentThread()->CombinedApcDisable;
    Call->irql = KeGetCurrentIrql();
    Call->interrupts = VfInterruptsEnabled();
    Call->major = Stack->MajorFunction;
    Call->minor = Stack->MinorFunction;
    Call->location = RD_ADDRESS(Stack);
    Call->device_object = RD_ADDRESS(DeviceObject);
    if (VfNeedsApc(Irp) && Irp->UserEvent != NULL && KeReadStateEvent(Irp->UserEvent) != 0)
    {
        Call->user_event = RD_ADDRESS(Irp->UserEvent);
    }
    Call->flags = VfIsDriverInvolved(DeviceObject->DriverObject) ? RD_VF_CALL_CALLEE : 0;
    VfNoteForwarded(Irp);
    VfInsertCall(Call);
}

/* What the dispatch routine says must be what it did. An IRP that it sent on is answered by those below. */
static VOID VfCheckOutcome(const IOV_CALL *Call, NTSTATUS Status)
{
    BOOLEAN Completed = (Call->flags & RD_VF_CALL_COMPLETED) != 0;
    BOOLEAN Marked = Completed ? (Call->flags & RD_VF_CALL_MARKED) != 0
                               : (((PIO_STACK_LOCATION)(ULONG_PTR)Call->location)->Control &
                                     SL_PENDING_RETURNED) != 0;

    if (Status == (NTSTATUS)0xFFFFFFFF)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x225, Call->dispatch_routine, Call->irp, 0);
    }
    if (Call->flags & RD_VF_CALL_FORWARDED)
    {
        return;
    }
    if (!Completed && !Marked && Status != STATUS_PENDING)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x226, Call->dispatch_routine, Call->irp, 0);
    }
    if (Status == STATUS_PENDING && !Marked)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x23D, Call->dispatch_routine, Call->irp, 0);
    }
    if (Status != STATUS_PENDING && Marked)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x23E, Call->dispatch_routine, Call->irp, (ULONG)Status);
    }
    if (Completed && Status != STATUS_PENDING && Status != Call->completed_status)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x224, Call->dispatch_routine, Call->irp,
            (ULONG)Call->completed_status);
    }
}

/* A device that an IRP_MN_REMOVE_DEVICE went to, but for the bus driver's own, is to be gone. */
static VOID VfCheckRemoval(const IOV_CALL *Call)
{
    PDEVICE_OBJECT Device = (PDEVICE_OBJECT)(ULONG_PTR)Call->device_object;

    if (Call->major != IRP_MJ_PNP || Call->minor != IRP_MN_REMOVE_DEVICE ||
        (Call->flags & RD_VF_CALL_DELETED))
    {
        return;
    }
    if (IopExtensionOf(Device)->AttachedTo != NULL)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x21D, Call->dispatch_routine, Call->irp,
            Call->device_object);
    }
    if (Call->flags & RD_VF_CALL_DETACHED)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x21E, Call->dispatch_routine, Call->irp,
            Call->device_object);
    }
}

/* The state of the thread first: a wrong count is the older mistake. */
static __attribute__((noinline)) VOID VfAfterCallDriver(PIOV_CALL Call, NTSTATUS Status)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL Irql = KeGetCurrentIrql();

    Call->status = Status;
    VfRemoveCall(Call);
    if (!(Call->flags & RD_VF_CALL_CALLEE))
    {
        return;
    }
    if (Call->interrupts && !VfInterruptsEnabled())
    {
        VfBugCheckNoStackUsage(0xC4, 0xC1, Call->dispatch_routine, 0, 0);
    }
    if (Call->irql != Irql)
    {
        VfBugCheckNoStackUsage(IOV_VIOLATION, 0x05, Call->device_object, Call->irql, Irql);
    }
    if (Thread->CombinedApcDisable != Call->apc_disable)
    {
        VfNoteApcDisable(Thread, TRUE);
        VfBugCheckNoStackUsage(0xC4, 0xC5, Call->dispatch_routine, Thread->CombinedApcDisable,
            Call->apc_disable);
    }
    VfCheckOutcome(Call, Status);
    VfCheckRemoval(Call);
    if (Call->user_event != 0 && Status == STATUS_PENDING)
    {
        VfBugCheckNoStackUsage(
            IOV_VIOLATION, 0x307, Call->caller, Call->irp, Call->user_event);
    }
}

/* Verified drivers come here directly; calls of others come by IofCallDriver when the callee is verified. */
VFTHUNKTO(IofCallDriver, IovCallDriver, VF_OPTION_IO);
__attribute__((noinline)) NTSTATUS FASTCALL IovCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG_PTR Caller = RD_ADDRESS(__builtin_return_address(0));
    IOV_CALL Call;
    NTSTATUS Status;

    VfCheckCall(DeviceObject, Irp, Caller);
    VfBeforeCallDriver(&Call, DeviceObject, Irp);
    Call.caller = Caller;
    if (VfIsOptionEnabled(VF_OPTION_IRP_LOGGING))
    {
        VfLogIrp(RD_ADDRESS(DeviceObject), RD_ADDRESS(Irp), Caller, Call.major, Call.minor);
    }
    Status = IopNextDispatch(DeviceObject, Irp)(DeviceObject, Irp);
    VfAfterCallDriver(&Call, Status);
    return Status;
}
