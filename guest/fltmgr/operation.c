/*
 * Operations. An IRP that reaches a volume's filter device is shown to the instances from the highest altitude down; what
 * each pre-operation callback answers decides whether it goes on, who waits, and whose post-operation callback is
 * called on the way back, from the lowest up, each with the parameters that its filter had seen.
 *
 * An operation that is inside an instance holds that instance's OperationRundown from before the pre-operation
 * callback until it will call nothing of that filter any more. FLTP_OPERATION is counted by the dispatch
 * routine and by the IRP, since either may be the last to look at it.
 *
 * Callbacks that pend an operation may finish it from another thread before they return, so nothing is written after
 * a callback that the other thread may also write.
 */
#include "guest/include/fltp.h"

typedef struct _FLTP_OPERATION *PFLTP_OPERATION;

typedef struct _FLTP_NODE
{
    LIST_ENTRY InstanceLink; /* on FLT_INSTANCE.Outstanding; empty when it is not there */
    PFLTP_OPERATION Operation;
    PFLT_INSTANCE Instance;
    PVOID Context;
    BOOLEAN Drained; /* its post-operation callback has been called by teardown */
    FLT_IO_PARAMETER_BLOCK Saved;
} FLTP_NODE, *PFLTP_NODE;

typedef struct _FLTP_OPERATION
{
    FLT_CALLBACK_DATA Data; /* first: callbacks hand it back */
    FLT_IO_PARAMETER_BLOCK Iopb;
    LONG References;
    PIRP Irp;
    PFLT_VOLUME Volume;
    PFLT_INSTANCE Current; /* whose pre-operation callback runs or has pended; its run-down reference is held */
    const FLT_OPERATION_REGISTRATION *CurrentRegistration;
    BOOLEAN Passed; /* Current's reference belongs to its node now */
    ULONG NodeCount; /* post-operation callbacks to call; while they are called, those that are left */
    ULONG NodeRoom;
    BOOLEAN Synchronize; /* somebody wants its post-operation callback in the requestor's thread */
    BOOLEAN PostPended;
    BOOLEAN Completed;
    NTSTATUS FinalStatus;
    KEVENT LowerDone;
    FLTP_NODE Node[];
} FLTP_OPERATION;

typedef enum _FLTP_NEXT
{
    FltpGoOn,     /* to the next instance, or down */
    FltpFinished, /* a filter completes it */
    FltpPended    /* nothing of the operation may be touched */
} FLTP_NEXT;

static PFLTP_OPERATION FltpOperationOf(PFLT_CALLBACK_DATA Data)
{
    return CONTAINING_RECORD(Data, FLTP_OPERATION, Data);
}

static VOID FltpDropOperation(PFLTP_OPERATION Operation)
{
    if (--Operation->References == 0)
    {
        ExFreePoolWithTag(Operation, FLTP_IRP_TAG);
    }
}

static BOOLEAN FltpSkips(const FLT_OPERATION_REGISTRATION *Entry, ULONG IrpFlags)
{
    return ((Entry->Flags & FLTFL_OPERATION_REGISTRATION_SKIP_PAGING_IO) && (IrpFlags & IRP_PAGING_IO)) ||
           ((Entry->Flags & FLTFL_OPERATION_REGISTRATION_SKIP_CACHED_IO) && !(IrpFlags & IRP_NOCACHE) &&
            (Entry->MajorFunction == IRP_MJ_READ || Entry->MajorFunction == IRP_MJ_WRITE));
}

static const FLT_OPERATION_REGISTRATION *FltpFindOperation(PFLT_FILTER Filter, UCHAR Major, ULONG IrpFlags)
{
    for (const FLT_OPERATION_REGISTRATION *Entry = Filter->Operations;
         Entry != NULL && Entry->MajorFunction != IRP_MJ_OPERATION_END; Entry++)
    {
        if (Entry->MajorFunction == Major && (Entry->PreOperation != NULL || Entry->PostOperation != NULL))
        {
            return FltpSkips(Entry, IrpFlags) ? NULL : Entry;
        }
    }
    return NULL;
}

static ULONG FltpCountInterested(PFLT_VOLUME Volume, UCHAR Major, ULONG IrpFlags)
{
    ULONG Count = 0;

    for (PLIST_ENTRY Link = Volume->Instances.Flink; Link != &Volume->Instances; Link = Link->Flink)
    {
        PFLT_INSTANCE Instance = CONTAINING_RECORD(Link, FLT_INSTANCE, VolumeLink);
        Count += Instance->Ready && FltpFindOperation(Instance->Filter, Major, IrpFlags) != NULL;
    }
    return Count;
}

/* Makes the next interested instance below the current one current, with its run-down reference. */
static BOOLEAN FltpEnterNext(PFLTP_OPERATION Operation, PLIST_ENTRY Link)
{
    PLIST_ENTRY Head = &Operation->Volume->Instances;

    Operation->Current = NULL;
    Operation->Passed = FALSE;
    for (Link = Link->Flink; Link != Head; Link = Link->Flink)
    {
        PFLT_INSTANCE Instance = CONTAINING_RECORD(Link, FLT_INSTANCE, VolumeLink);
        const FLT_OPERATION_REGISTRATION *Entry =
            FltpFindOperation(Instance->Filter, Operation->Iopb.MajorFunction, Operation->Iopb.IrpFlags);
        if (Entry != NULL && Instance->Ready && Operation->NodeCount < Operation->NodeRoom &&
            ExAcquireRundownProtection(&Instance->OperationRundown))
        {
            Operation->Current = Instance;
            Operation->CurrentRegistration = Entry;
            return TRUE;
        }
    }
    return FALSE;
}

/* The current instance wants to hear of the completion. Its reference is passed on: a teardown that has begun gives no
 * new one. */
static VOID FltpPushNode(PFLTP_OPERATION Operation, PVOID Context)
{
    PFLTP_NODE Node = &Operation->Node[Operation->NodeCount++];

    Node->Operation = Operation;
    Node->Instance = Operation->Current;
    Node->Context = Context;
    Node->Drained = FALSE;
    Node->Saved = Operation->Iopb;
    Operation->Passed = TRUE;
    InsertTailList(&Node->Instance->Outstanding, &Node->InstanceLink);
}

static DECLSPEC_NORETURN VOID FltpStopPostNotRegistered(PFLTP_OPERATION Operation)
{
    KeBugCheckEx(FLTMGR_FILE_SYSTEM, FLTP_STOP_POST_NOT_REGISTERED, (ULONG_PTR)&Operation->Data, 0, 0);
    for (;;)
    {
    }
}

/* What the current instance's pre-operation callback has answered. */
static FLTP_NEXT FltpTakeAnswer(PFLTP_OPERATION Operation, FLT_PREOP_CALLBACK_STATUS Answer, PVOID Context)
{
    switch (Answer)
    {
    case FLT_PREOP_SYNCHRONIZE:
    case FLT_PREOP_SUCCESS_WITH_CALLBACK:
        if (Operation->CurrentRegistration->PostOperation == NULL)
        {
            FltpStopPostNotRegistered(Operation);
        }
        Operation->Synchronize |= Answer == FLT_PREOP_SYNCHRONIZE;
        FltpPushNode(Operation, Context);
        return FltpGoOn;
    case FLT_PREOP_COMPLETE:
        return FltpFinished;
    case FLT_PREOP_PENDING:
        return FltpPended;
    default:
        /* SUCCESS_NO_CALLBACK; the answers that are for fast I/O say no more about an IRP. */
        return FltpGoOn;
    }
}

static FLTP_NEXT FltpCallPre(PFLTP_OPERATION Operation)
{
    const FLT_OPERATION_REGISTRATION *Entry = Operation->CurrentRegistration;
    PFLT_INSTANCE Instance = Operation->Current;
    FLT_PREOP_CALLBACK_STATUS Answer;
    FLT_RELATED_OBJECTS Related;
    PVOID Context = NULL;
    FLTP_NEXT Next;

    Operation->Iopb.TargetInstance = Operation->Current;
    if (Entry->PreOperation == NULL)
    {
        return FltpTakeAnswer(Operation, FLT_PREOP_SUCCESS_WITH_CALLBACK, NULL);
    }
    FltpFillRelated(&Related, Operation->Current, Operation->Iopb.TargetFileObject);
    /* What it pends may be over before it has returned; then this keeps the instance, so the filter's image. */
    ExAcquireRundownProtection(&Instance->OperationRundown);
    Answer = Entry->PreOperation(&Operation->Data, &Related, &Context);
    Next = FltpTakeAnswer(Operation, Answer, Context);
    ExReleaseRundownProtection(&Instance->OperationRundown);
    return Next;
}

/* From the current instance, which has answered, down to the first that does not let it pass. */
static FLTP_NEXT FltpCallPres(PFLTP_OPERATION Operation, FLTP_NEXT Next)
{
    while (Next == FltpGoOn)
    {
        PFLT_INSTANCE Before = Operation->Current;
        BOOLEAN Passed = Operation->Passed;
        BOOLEAN More = FltpEnterNext(Operation, &Before->VolumeLink);
        if (!Passed)
        {
            ExReleaseRundownProtection(&Before->OperationRundown);
        }
        if (!More)
        {
            return FltpGoOn;
        }
        Next = FltpCallPre(Operation);
    }
    if (Next == FltpFinished)
    {
        ExReleaseRundownProtection(&Operation->Current->OperationRundown);
    }
    return Next;
}

/* Calls the post-operation callbacks that are left. FALSE: one of them keeps the operation. */
static BOOLEAN FltpCallPosts(PFLTP_OPERATION Operation)
{
    FLT_RELATED_OBJECTS Related;

    Operation->Data.Flags |= FLTFL_CALLBACK_DATA_POST_OPERATION;
    while (Operation->NodeCount > 0)
    {
        PFLTP_NODE Node = &Operation->Node[--Operation->NodeCount];
        const FLT_OPERATION_REGISTRATION *Entry;
        if (Node->Drained)
        {
            continue;
        }
        RemoveEntryList(&Node->InstanceLink);
        Operation->Iopb = Node->Saved;
        Entry = FltpFindOperation(Node->Instance->Filter, Node->Saved.MajorFunction, Node->Saved.IrpFlags);
        FltpFillRelated(&Related, Node->Instance, Operation->Iopb.TargetFileObject);
        if (Entry->PostOperation(&Operation->Data, &Related, Node->Context, 0) == FLT_POSTOP_MORE_PROCESSING_REQUIRED)
        {
            return FALSE;
        }
        ExReleaseRundownProtection(&Node->Instance->OperationRundown);
    }
    return TRUE;
}

/* What the callbacks have made of it goes into the IRP. */
static VOID FltpSettle(PFLTP_OPERATION Operation)
{
    Operation->Irp->IoStatus = Operation->Data.IoStatus;
    Operation->FinalStatus = Operation->Data.IoStatus.Status;
    Operation->Completed = TRUE;
    if (Operation->Iopb.MajorFunction == IRP_MJ_CREATE && NT_SUCCESS(Operation->FinalStatus) &&
        Operation->FinalStatus != STATUS_REPARSE)
    {
        FltpFileOpened(Operation->Volume, Operation->Iopb.TargetFileObject);
    }
}

/* Completes the IRP after the post-operation callbacks, from outside a completion routine. */
static VOID FltpFinish(PFLTP_OPERATION Operation)
{
    PIRP Irp = Operation->Irp;

    Operation->References++;
    if (FltpCallPosts(Operation))
    {
        FltpSettle(Operation);
        FltpDropOperation(Operation); /* the IRP's */
        FltpDropOperation(Operation);
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return;
    }
    Operation->PostPended = TRUE;
    FltpDropOperation(Operation);
}

static NTSTATUS NTAPI FltpPassThroughCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PFLTP_OPERATION Operation = Context;

    if (Operation->Synchronize)
    {
        if (Irp->PendingReturned)
        {
            KeSetEvent(&Operation->LowerDone, IO_NO_INCREMENT, FALSE);
        }
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    if (Irp->PendingReturned)
    {
        IoMarkIrpPending(Irp);
    }
    Operation->Data.IoStatus = Irp->IoStatus;
    Operation->References++;
    if (!FltpCallPosts(Operation))
    {
        Operation->PostPended = TRUE;
        FltpDropOperation(Operation);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    FltpSettle(Operation);
    FltpDropOperation(Operation); /* the IRP's */
    FltpDropOperation(Operation);
    return STATUS_CONTINUE_COMPLETION;
}

/* To the file system. The caller holds a reference on the operation beside the IRP's. */
static NTSTATUS FltpSendDown(PFLTP_OPERATION Operation)
{
    PDEVICE_OBJECT Lower = Operation->Volume->Lower;
    PIRP Irp = Operation->Irp;
    NTSTATUS Status;

    IoCopyCurrentIrpStackLocationToNext(Irp);
    if (Operation->Data.Flags & FLTFL_CALLBACK_DATA_DIRTY)
    {
        FltpWriteParameters(Irp, IoGetNextIrpStackLocation(Irp), &Operation->Data);
    }
    IoSetCompletionRoutine(Irp, FltpPassThroughCompletion, Operation, TRUE, TRUE, TRUE);
    Status = IoCallDriver(Lower, Irp);
    if (Operation->Synchronize)
    {
        if (Status == STATUS_PENDING)
        {
            KeWaitForSingleObject(&Operation->LowerDone, Executive, KernelMode, FALSE, NULL);
        }
        Operation->Data.IoStatus = Irp->IoStatus;
        FltpFinish(Operation);
    }
    if (Operation->PostPended)
    {
        return STATUS_PENDING;
    }
    return Operation->Completed && (Status != STATUS_PENDING || Operation->Synchronize) ? Operation->FinalStatus
                                                                                         : Status;
}

/* What becomes of an operation whose pre-operation callbacks have answered. */
static NTSTATUS FltpProceed(PFLTP_OPERATION Operation, FLTP_NEXT Next)
{
    NTSTATUS Status = STATUS_PENDING;

    if (Next == FltpFinished)
    {
        FltpFinish(Operation);
        Status = Operation->PostPended ? STATUS_PENDING : Operation->FinalStatus;
    }
    else if (Next == FltpGoOn)
    {
        Status = FltpSendDown(Operation);
    }
    FltpDropOperation(Operation);
    return Status;
}

static PFLTP_OPERATION FltpStart(PFLT_VOLUME Volume, PIRP Irp, ULONG Room)
{
    PFLTP_OPERATION Operation = FltpAllocate(sizeof *Operation + Room * sizeof(FLTP_NODE), FLTP_IRP_TAG);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (Operation == NULL)
    {
        return NULL;
    }
    *(PETHREAD *)&Operation->Data.Thread = Irp->Tail.Overlay.Thread;
    *(PFLT_IO_PARAMETER_BLOCK *)&Operation->Data.Iopb = &Operation->Iopb;
    Operation->Data.Flags = FLTFL_CALLBACK_DATA_IRP_OPERATION;
    Operation->Data.IoStatus = Irp->IoStatus;
    Operation->Data.RequestorMode = Irp->RequestorMode;
    Operation->Iopb.IrpFlags = Irp->Flags;
    Operation->Iopb.MajorFunction = Stack->MajorFunction;
    Operation->Iopb.MinorFunction = Stack->MinorFunction;
    Operation->Iopb.OperationFlags = Stack->Flags;
    Operation->Iopb.TargetFileObject = Stack->FileObject;
    FltpReadParameters(Irp, Stack, &Operation->Data);
    Operation->References = 2;
    Operation->Irp = Irp;
    Operation->Volume = Volume;
    Operation->NodeRoom = Room;
    KeInitializeEvent(&Operation->LowerDone, NotificationEvent, FALSE);
    return Operation;
}

static NTSTATUS FltpPassFiltered(PFLT_VOLUME Volume, PIRP Irp, ULONG Room, PLIST_ENTRY After)
{
    PFLTP_OPERATION Operation = FltpStart(Volume, Irp, Room);
    FLTP_NEXT Next = FltpGoOn;

    if (Operation == NULL)
    {
        Irp->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
        Irp->IoStatus.Information = 0;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (FltpEnterNext(Operation, After))
    {
        Next = FltpCallPres(Operation, FltpCallPre(Operation));
    }
    return FltpProceed(Operation, Next);
}

/* The dispatch of a volume. Below: only instances under this one see the request; NULL: all. */
NTSTATUS FltpPassThrough(PFLT_VOLUME Volume, PIRP Irp, PFLT_INSTANCE Below)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT File = Stack->MajorFunction == IRP_MJ_CLOSE ? Stack->FileObject : NULL;
    PVOID Stream = File != NULL ? File->FsContext : NULL;
    ULONG Room = FltpCountInterested(Volume, Stack->MajorFunction, Irp->Flags);
    BOOLEAN Tracked = File != NULL && (Volume->TrackStreams || !IsListEmpty(&Volume->FileContexts));
    NTSTATUS Status;

    if (Tracked)
    {
        Volume->Base.PointerCount++; /* the last close of a dismounted volume takes it along */
    }
    if (Room == 0 && !(Volume->TrackStreams && Stack->MajorFunction == IRP_MJ_CREATE))
    {
        PDEVICE_OBJECT Lower = Volume->Lower;
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(Lower, Irp);
    }
    else
    {
        Status = FltpPassFiltered(Volume, Irp, Room, Below != NULL ? &Below->VolumeLink : &Volume->Instances);
    }
    if (Tracked)
    {
        FltpFileClosed(Volume, File, Stream);
        FltpDrop(&Volume->Base);
    }
    return Status;
}

/* Teardown: filters that wait for a completion hear of it now. */
VOID FltpDrainOperations(PFLT_INSTANCE Instance)
{
    while (!IsListEmpty(&Instance->Outstanding))
    {
        PFLTP_NODE Node = CONTAINING_RECORD(RemoveHeadList(&Instance->Outstanding), FLTP_NODE, InstanceLink);
        PFLTP_OPERATION Operation = Node->Operation;
        FLT_IO_PARAMETER_BLOCK Iopb = Node->Saved;
        FLT_CALLBACK_DATA Data = Operation->Data; /* the operation itself may complete meanwhile */
        const FLT_OPERATION_REGISTRATION *Entry = FltpFindOperation(Instance->Filter, Iopb.MajorFunction, Iopb.IrpFlags);
        FLT_RELATED_OBJECTS Related;
        Node->Drained = TRUE;
        *(PFLT_IO_PARAMETER_BLOCK *)&Data.Iopb = &Iopb;
        Data.Flags |= FLTFL_CALLBACK_DATA_DRAINING_IO;
        FltpFillRelated(&Related, Instance, Iopb.TargetFileObject);
        Entry->PostOperation(&Data, &Related, Node->Context, FLTFL_POST_OPERATION_DRAINING);
        ExReleaseRundownProtection(&Instance->OperationRundown);
    }
}

NTEXPORT(FltCompletePendedPreOperation, DISPATCH_LEVEL, "fltoperation");
VOID FLTAPI FltCompletePendedPreOperation(PFLT_CALLBACK_DATA CallbackData, FLT_PREOP_CALLBACK_STATUS CallbackStatus,
                                          PVOID Context)
{
    PFLTP_OPERATION Operation = FltpOperationOf(CallbackData);

    IoMarkIrpPending(Operation->Irp);
    Operation->References++;
    FltpProceed(Operation, FltpCallPres(Operation, FltpTakeAnswer(Operation, CallbackStatus, Context)));
}

NTEXPORT(FltCompletePendedPostOperation, DISPATCH_LEVEL, "fltoperation");
VOID FLTAPI FltCompletePendedPostOperation(PFLT_CALLBACK_DATA CallbackData)
{
    PFLTP_OPERATION Operation = FltpOperationOf(CallbackData);

    IoMarkIrpPending(Operation->Irp);
    ExReleaseRundownProtection(&Operation->Node[Operation->NodeCount].Instance->OperationRundown);
    FltpFinish(Operation);
}

NTEXPORT(FltSetCallbackDataDirty, ANY_LEVEL, "fltoperation");
VOID FLTAPI FltSetCallbackDataDirty(PFLT_CALLBACK_DATA Data)
{
    Data->Flags |= FLTFL_CALLBACK_DATA_DIRTY;
}

NTEXPORT(FltClearCallbackDataDirty, ANY_LEVEL, "fltoperation");
VOID FLTAPI FltClearCallbackDataDirty(PFLT_CALLBACK_DATA Data)
{
    Data->Flags &= ~FLTFL_CALLBACK_DATA_DIRTY;
}

NTEXPORT(FltIsCallbackDataDirty, ANY_LEVEL, "fltoperation");
BOOLEAN FLTAPI FltIsCallbackDataDirty(PFLT_CALLBACK_DATA Data)
{
    return (Data->Flags & FLTFL_CALLBACK_DATA_DIRTY) != 0;
}

NTEXPORT(FltIsOperationSynchronous, DISPATCH_LEVEL, "fltoperation");
BOOLEAN FLTAPI FltIsOperationSynchronous(PFLT_CALLBACK_DATA CallbackData)
{
    return IoIsOperationSynchronous(FltpOperationOf(CallbackData)->Irp);
}

NTEXPORT(FltGetRequestorProcess, DISPATCH_LEVEL, "fltoperation");
PEPROCESS FLTAPI FltGetRequestorProcess(PFLT_CALLBACK_DATA CallbackData)
{
    return IoGetRequestorProcess(FltpOperationOf(CallbackData)->Irp);
}

NTEXPORT(FltGetRequestorProcessId, DISPATCH_LEVEL, "fltoperation");
ULONG FLTAPI FltGetRequestorProcessId(PFLT_CALLBACK_DATA CallbackData)
{
    return IoGetRequestorProcessId(FltpOperationOf(CallbackData)->Irp);
}

typedef struct _FLTP_SAFE_POST
{
    WORK_QUEUE_ITEM Item;
    PFLT_CALLBACK_DATA Data;
    FLT_RELATED_OBJECTS Related;
    PVOID Context;
    FLT_POST_OPERATION_FLAGS Flags;
    PFLT_POST_OPERATION_CALLBACK Callback;
} FLTP_SAFE_POST, *PFLTP_SAFE_POST;

static VOID NTAPI FltpSafePostWorker(PVOID Parameter)
{
    PFLTP_SAFE_POST Post = Parameter;
    PFLT_CALLBACK_DATA Data = Post->Data;
    FLT_POSTOP_CALLBACK_STATUS Answer = Post->Callback(Data, &Post->Related, Post->Context, Post->Flags);

    ExFreePoolWithTag(Post, FLTP_TAG);
    if (Answer != FLT_POSTOP_MORE_PROCESSING_REQUIRED)
    {
        FltCompletePendedPostOperation(Data);
    }
}

NTEXPORT(FltDoCompletionProcessingWhenSafe, DISPATCH_LEVEL, "fltoperation");
BOOLEAN FLTAPI FltDoCompletionProcessingWhenSafe(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS FltObjects,
                                                 PVOID CompletionContext, FLT_POST_OPERATION_FLAGS Flags,
                                                 PFLT_POST_OPERATION_CALLBACK SafePostCallback,
                                                 PFLT_POSTOP_CALLBACK_STATUS RetPostOperationStatus)
{
    PFLTP_SAFE_POST Post;

    *RetPostOperationStatus = FLT_POSTOP_FINISHED_PROCESSING;
    if (KeGetCurrentIrql() <= APC_LEVEL)
    {
        *RetPostOperationStatus = SafePostCallback(Data, FltObjects, CompletionContext, Flags);
        return TRUE;
    }
    if ((Flags & FLTFL_POST_OPERATION_DRAINING) || (Data->Iopb->IrpFlags & IRP_PAGING_IO))
    {
        return FALSE; /* such an operation cannot be put off */
    }
    Post = FltpAllocate(sizeof *Post, FLTP_TAG);
    if (Post == NULL)
    {
        return FALSE;
    }
    Post->Data = Data;
    RtlCopyMemory(&Post->Related, FltObjects, sizeof Post->Related);
    Post->Context = CompletionContext;
    Post->Flags = Flags;
    Post->Callback = SafePostCallback;
    *RetPostOperationStatus = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
    ExInitializeWorkItem(&Post->Item, FltpSafePostWorker, Post);
    ExQueueWorkItem(&Post->Item, DelayedWorkQueue);
    return TRUE;
}
