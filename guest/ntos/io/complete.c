/*
 * Completion. Stage 1 (IofCompleteRequest) runs in any thread and unwinds the stack locations.
 * Stage 2 (IopCompleteRequest) is the kernel routine of a special kernel APC that lies inside the
 * IRP; it runs in the thread that issued the request, at APC_LEVEL, and writes to where that thread
 * said.
 *
 * The one exception: a request that the I/O manager itself issued carries IRP_DEFER_IO_COMPLETION.
 * If no driver on the way returned STATUS_PENDING, no APC is queued; the issuer does stage 2 by a
 * direct call. For an IRP that a driver built, the APC is used even if everything happened
 * synchronously.
 */
#include "guest/include/iop.h"
#include "guest/include/seh.h"
#include "guest/include/vf.h"

static VOID IopFreeMdls(PIRP Irp)
{
    while (Irp->MdlAddress != NULL)
    {
        PMDL Mdl = Irp->MdlAddress;
        Irp->MdlAddress = Mdl->Next;
        IoFreeMdl(Mdl);
    }
}

/* The KAPC of stage 2 will lie where the pointer is. */
VOID IopFreeAuxiliaryBuffer(PIRP Irp)
{
    if (Irp->Tail.Overlay.AuxiliaryBuffer != NULL)
    {
        ExFreePool(Irp->Tail.Overlay.AuxiliaryBuffer);
        Irp->Tail.Overlay.AuxiliaryBuffer = NULL;
    }
}

static VOID IopUnlockMdls(PIRP Irp)
{
    if (Irp->MdlAddress != NULL && (Irp->MdlAddress->MdlFlags & MDL_WRITE_OPERATION)
        && Irp->IoStatus.Information != 0)
    {
        /* The device has put its data there. */
        RdCheckFrame(MmGetMdlVirtualAddress(Irp->MdlAddress), &Irp->MdlAddress,
                     Irp->IoStatus.Information, RD_FRAME_WRITE);
    }
    for (PMDL Mdl = Irp->MdlAddress; Mdl != NULL; Mdl = Mdl->Next)
    {
        if (Mdl->MdlFlags & MDL_PAGES_LOCKED)
        {
            MmUnlockPages(Mdl);
        }
    }
}

/* The master completes with the last of its associated IRPs. */
static VOID IopCompleteAssociated(PIRP Irp)
{
    PIRP Master = Irp->AssociatedIrp.MasterIrp;
    LONG Left = InterlockedDecrement(&Master->AssociatedIrp.IrpCount);

    IopUnlockMdls(Irp);
    IopFreeMdls(Irp);
    IoFreeIrp(Irp);
    if (Left == 0)
    {
        IofCompleteRequest(Master, IO_NO_INCREMENT);
    }
}

/* Cleanup and close may be issued by any thread, so they are finished by whoever completes them. */
static VOID IopCompleteClose(PIRP Irp)
{
    PKEVENT Event = Irp->UserEvent;

    *Irp->UserIosb = Irp->IoStatus;
    IoFreeIrp(Irp);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
}

static VOID IopQueueStage2(PIRP Irp, CCHAR PriorityBoost)
{
    PETHREAD Thread = Irp->Tail.Overlay.Thread; /* the KAPC overlays both */
    PFILE_OBJECT File = Irp->Tail.Overlay.OriginalFileObject;

    KeInitializeApc(&Irp->Tail.Apc, &Thread->Tcb, Irp->ApcEnvironment, IopCompleteRequest,
                    IopAbortRequest, NULL, KernelMode, NULL);
    if (!KeInsertQueueApc(&Irp->Tail.Apc, File, NULL, PriorityBoost))
    {
        Irp->Tail.Apc.SystemArgument1 = File;
        IopAbortRequest(&Irp->Tail.Apc);
    }
}

static BOOLEAN IopWantsCompletion(PIRP Irp, UCHAR Control)
{
    return (NT_SUCCESS(Irp->IoStatus.Status) && (Control & SL_INVOKE_ON_SUCCESS)) ||
           (!NT_SUCCESS(Irp->IoStatus.Status) && (Control & SL_INVOKE_ON_ERROR)) ||
           (Irp->Cancel && (Control & SL_INVOKE_ON_CANCEL));
}

NTEXPORT(IofCompleteRequest, DISPATCH_LEVEL, "irp");
VOID FASTCALL IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount + 1)
    {
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, 0, 0, 0);
    }
    RdEvent(RD_EVENT_COMPLETE, Irp, Irp->IoStatus.Status, 0);
    Irp->CurrentLocation++;
    Irp->Tail.Overlay.CurrentStackLocation++;
    while (Irp->CurrentLocation <= Irp->StackCount + 1)
    {
        PIO_COMPLETION_ROUTINE Routine = Stack->CompletionRoutine;
        PVOID Context = Stack->Context;
        UCHAR Control = Stack->Control;
        BOOLEAN Top = Irp->CurrentLocation == Irp->StackCount + 1;

        Irp->PendingReturned = (Control & SL_PENDING_RETURNED) != 0;
        if (VfIsOptionEnabled(VF_OPTION_IO))
        {
            VfNoteCallsOfLocation(Irp, Stack, Irp->IoStatus.Status, Irp->PendingReturned);
        }
        /* The location that the routine was set in has been used up. */
        RtlZeroMemory(Stack, sizeof *Stack);
        if (IopWantsCompletion(Irp, Control))
        {
            PDEVICE_OBJECT Device = Top ? NULL : IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
            NTSTATUS Outcome;

            RdPassFrame(Context, &Stack->Context);
            Outcome = VfIsOptionEnabled(VF_OPTION_IO) && VfFindDriver(Routine) != NULL
                          ? IovpLocalCompletionRoutine(Routine, Device, Irp, Context)
                          : Routine(Device, Irp, Context);
            RdPassedFrame(Context, &Stack->Context);
            if (Outcome == STATUS_MORE_PROCESSING_REQUIRED)
            {
                return;
            }
        }
        else if (Irp->PendingReturned && !Top)
        {
            IoMarkIrpPending(Irp);
        }
        Stack = IoGetCurrentIrpStackLocation(Irp);
        Irp->CurrentLocation++;
        Irp->Tail.Overlay.CurrentStackLocation++;
    }
    if (Irp->Flags & IRP_ASSOCIATED_IRP)
    {
        IopCompleteAssociated(Irp);
        return;
    }
    IopUnlockMdls(Irp);
    IopFreeAuxiliaryBuffer(Irp);
    if (Irp->Flags & IRP_CLOSE_OPERATION)
    {
        IopCompleteClose(Irp);
        return;
    }
    if ((Irp->Flags & IRP_DEFER_IO_COMPLETION) && !Irp->PendingReturned)
    {
        return; /* the issuer will see that nothing pended */
    }
    IopQueueStage2(Irp, PriorityBoost);
}

#undef IoCompleteRequest
NTSYSAPI VOID NTAPI IoCompleteRequest(PIRP Irp, CCHAR PriorityBoost);
NTEXPORT(IoCompleteRequest, DISPATCH_LEVEL, "irp");
VOID NTAPI IoCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    IofCompleteRequest(Irp, PriorityBoost);
}

static VOID NTAPI IopUserCompletion(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine,
                                    PVOID *NormalContext, PVOID *SystemArgument1,
                                    PVOID *SystemArgument2)
{
    IoFreeIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc));
}

static VOID NTAPI IopUserRundown(PKAPC Apc)
{
    IoFreeIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc));
}

/* The issuer gets the outcome, unless the request failed at once: then the status that its call
 * returned is all it gets. */
static VOID IopReportOutcome(PIRP Irp, PFILE_OBJECT File)
{
    PKEVENT Event = Irp->UserEvent;
    BOOLEAN Objects = File != NULL && !(Irp->Flags & IRP_SYNCHRONOUS_API);

    if (NT_ERROR(Irp->IoStatus.Status) && !Irp->PendingReturned)
    {
        if (Objects && Event != NULL)
        {
            ObfDereferenceObject(Event);
        }
        return;
    }
    if (Irp->UserIosb != NULL)
    {
        RdCheckFrame(Irp->UserIosb, &Irp->UserIosb, sizeof *Irp->UserIosb, RD_FRAME_WRITE);
        *Irp->UserIosb = Irp->IoStatus;
    }
    if (Event != NULL)
    {
        RdCheckFrame(Event, &Irp->UserEvent, sizeof *Event, RD_FRAME_SIGNAL);
        KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
        if (Objects)
        {
            ObfDereferenceObject(Event); /* came from a handle */
        }
    }
    if (File != NULL && !(Irp->Flags & IRP_CREATE_OPERATION) &&
        (Event == NULL || (File->Flags & FO_SYNCHRONOUS_IO)))
    {
        File->FinalStatus = Irp->IoStatus.Status;
        KeSetEvent(&File->Event, IO_NO_INCREMENT, FALSE);
    }
}

VOID NTAPI IopCompleteRequest(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                              PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    PIRP Irp = CONTAINING_RECORD(Apc, IRP, Tail.Apc);
    PFILE_OBJECT File = *SystemArgument1;
    PIO_APC_ROUTINE UserRoutine = NULL;

    if (Irp->Flags & IRP_BUFFERED_IO)
    {
        if ((Irp->Flags & IRP_INPUT_OPERATION) && !NT_ERROR(Irp->IoStatus.Status) &&
            Irp->IoStatus.Information != 0)
        {
            RdCheckFrame(Irp->UserBuffer, &Irp->UserBuffer, Irp->IoStatus.Information,
                         RD_FRAME_WRITE);
            NTSTATUS Copied = KiCopyGuarded(Irp->UserBuffer, Irp->AssociatedIrp.SystemBuffer,
                                            Irp->IoStatus.Information);
            if (!NT_SUCCESS(Copied))
            {
                Irp->IoStatus.Status = Copied;
            }
        }
        if (Irp->Flags & IRP_DEALLOCATE_BUFFER)
        {
            ExFreePool(Irp->AssociatedIrp.SystemBuffer);
        }
    }
    IopFreeMdls(Irp);
    if (!(Irp->Flags & IRP_CREATE_OPERATION) && File != NULL &&
        (!NT_ERROR(Irp->IoStatus.Status) || Irp->PendingReturned))
    {
        UserRoutine = Irp->Overlay.AsynchronousParameters.UserApcRoutine;
    }
    IopReportOutcome(Irp, File);
    IopDequeueThreadIrp(Irp);
    if (File != NULL)
    {
        ObfDereferenceObject(File);
    }
    if (UserRoutine != NULL)
    {
        KeInitializeApc(&Irp->Tail.Apc, KiCurrentThread(), CurrentApcEnvironment, IopUserCompletion,
                        IopUserRundown, (PKNORMAL_ROUTINE)(PVOID)UserRoutine, Irp->RequestorMode,
                        Irp->Overlay.AsynchronousParameters.UserApcContext);
        if (KeInsertQueueApc(&Irp->Tail.Apc, Irp->UserIosb, NULL, IO_NO_INCREMENT))
        {
            return;
        }
    }
    IoFreeIrp(Irp);
}

/* The thread went away with stage 2 undelivered: give back what the IRP holds; nobody is left to be
 * told. */
VOID NTAPI IopAbortRequest(PKAPC Apc)
{
    PIRP Irp = CONTAINING_RECORD(Apc, IRP, Tail.Apc);
    PFILE_OBJECT File = Apc->SystemArgument1;

    if ((Irp->Flags & IRP_BUFFERED_IO) && (Irp->Flags & IRP_DEALLOCATE_BUFFER))
    {
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
    }
    IopFreeMdls(Irp);
    if (File != NULL && Irp->UserEvent != NULL && !(Irp->Flags & IRP_SYNCHRONOUS_API))
    {
        ObfDereferenceObject(Irp->UserEvent);
    }
    IopDequeueThreadIrp(Irp);
    if (File != NULL)
    {
        ObfDereferenceObject(File);
    }
    IoFreeIrp(Irp);
}

VOID IopCompleteDirectly(PIRP Irp, PFILE_OBJECT File)
{
    PKNORMAL_ROUTINE NormalRoutine = NULL;
    PVOID NormalContext = NULL, Argument1 = File, Argument2 = NULL;
    KIRQL Irql;

    KeRaiseIrql(APC_LEVEL, &Irql);
    IopCompleteRequest(&Irp->Tail.Apc, &NormalRoutine, &NormalContext, &Argument1, &Argument2);
    KeLowerIrql(Irql);
}

NTSTATUS IopCallAndComplete(PDEVICE_OBJECT Device, PIRP Irp, PFILE_OBJECT File,
                            PIO_STATUS_BLOCK IoStatus)
{
    KEVENT Event;
    NTSTATUS Status;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    Irp->UserEvent = &Event;
    Irp->UserIosb = IoStatus;
    Irp->Flags |= IRP_SYNCHRONOUS_API | IRP_DEFER_IO_COMPLETION;
    Irp->Tail.Overlay.Thread = (PETHREAD)KiCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = File;
    if (File != NULL)
    {
        ObfReferenceObject(File); /* the IRP's */
    }
    IopQueueThreadIrp(Irp);
    Status = IofCallDriver(Device, Irp);
    if (Status == STATUS_PENDING)
    {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        return IoStatus->Status;
    }
    IoStatus->Status = Status;
    IopCompleteDirectly(Irp, File);
    IopEndRequestOnVolume(File);
    return Status;
}

/* The context of IoSetCompletionRoutineEx: keeps the driver's device, so its image, until the
 * routine has returned. */
typedef struct _IOP_COMPLETION_CONTEXT
{
    PDEVICE_OBJECT DeviceObject;
    PVOID Context;
    PIO_COMPLETION_ROUTINE Routine;
} IOP_COMPLETION_CONTEXT, *PIOP_COMPLETION_CONTEXT;

static NTSTATUS NTAPI IopUnloadSafeCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PIOP_COMPLETION_CONTEXT Block = Context;
    PDEVICE_OBJECT Held = Block->DeviceObject;
    NTSTATUS Status = Block->Routine(DeviceObject, Irp, Block->Context);

    ExFreePoolWithTag(Block, IOP_TAG);
    ObfDereferenceObject(Held);
    return Status;
}

NTEXPORT(IoSetCompletionRoutineEx, DISPATCH_LEVEL, "irp device");
NTSTATUS NTAPI IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                        PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                        BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                        BOOLEAN InvokeOnCancel)
{
    PIOP_COMPLETION_CONTEXT Block;

    Block = ExAllocatePoolWithTag(NonPagedPool, sizeof *Block, IOP_TAG);
    if (Block == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ObfReferenceObject(DeviceObject);
    Block->DeviceObject = DeviceObject;
    Block->Context = Context;
    Block->Routine = CompletionRoutine;
    IoSetCompletionRoutine(Irp, IopUnloadSafeCompletion, Block, InvokeOnSuccess, InvokeOnError,
                           InvokeOnCancel);
    return STATUS_SUCCESS;
}
