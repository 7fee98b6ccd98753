/*
 * Work items. A queued generic one holds a run-down reference on its filter, instance or volume until the routine has
 * returned, so unloading waits for it (nt-semantics F6); once teardown has begun it is refused (F9). A deferred one
 * belongs to an operation, which its routine finishes.
 */
#include "guest/include/fltp.h"

typedef struct _FLT_GENERIC_WORKITEM
{
    WORK_QUEUE_ITEM Item;
    PFLT_OBJECT Object;
    PFLT_GENERIC_WORKITEM_ROUTINE Routine;
    PVOID Context;
} FLT_GENERIC_WORKITEM;

typedef struct _FLT_DEFERRED_IO_WORKITEM
{
    WORK_QUEUE_ITEM Item;
    PFLT_CALLBACK_DATA Data;
    PFLT_DEFERRED_IO_WORKITEM_ROUTINE Routine;
    PVOID Context;
} FLT_DEFERRED_IO_WORKITEM;

NTEXPORT(FltAllocateGenericWorkItem, DISPATCH_LEVEL, "workitem");
PFLT_GENERIC_WORKITEM FLTAPI FltAllocateGenericWorkItem(VOID)
{
    return FltpAllocate(sizeof(FLT_GENERIC_WORKITEM), FLTP_TAG);
}

NTEXPORT(FltFreeGenericWorkItem, DISPATCH_LEVEL, "workitem");
VOID FLTAPI FltFreeGenericWorkItem(PFLT_GENERIC_WORKITEM FltWorkItem)
{
    ExFreePoolWithTag(FltWorkItem, FLTP_TAG);
}

/* The routine may free the item. */
static VOID NTAPI FltpProcessGenericWorkItem(PVOID Parameter)
{
    PFLT_GENERIC_WORKITEM Item = Parameter;
    PFLT_OBJECT Object = Item->Object;

    Item->Routine(Item, Object, Item->Context);
    FltpDereference(Object);
}

NTEXPORT(FltQueueGenericWorkItem, DISPATCH_LEVEL, "workitem fltobject");
NTSTATUS FLTAPI FltQueueGenericWorkItem(PFLT_GENERIC_WORKITEM FltWorkItem, PVOID FltObject,
                                        PFLT_GENERIC_WORKITEM_ROUTINE WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                                        PVOID Context)
{
    if (!FltpReference(FltObject))
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    FltWorkItem->Object = FltObject;
    FltWorkItem->Routine = WorkerRoutine;
    FltWorkItem->Context = Context;
    ExInitializeWorkItem(&FltWorkItem->Item, FltpProcessGenericWorkItem, FltWorkItem);
    ExQueueWorkItem(&FltWorkItem->Item, QueueType);
    return STATUS_SUCCESS;
}

NTEXPORT(FltAllocateDeferredIoWorkItem, DISPATCH_LEVEL, "workitem");
PFLT_DEFERRED_IO_WORKITEM FLTAPI FltAllocateDeferredIoWorkItem(VOID)
{
    return FltpAllocate(sizeof(FLT_DEFERRED_IO_WORKITEM), FLTP_TAG);
}

NTEXPORT(FltFreeDeferredIoWorkItem, DISPATCH_LEVEL, "workitem");
VOID FLTAPI FltFreeDeferredIoWorkItem(PFLT_DEFERRED_IO_WORKITEM FltWorkItem)
{
    ExFreePoolWithTag(FltWorkItem, FLTP_TAG);
}

static VOID NTAPI FltpProcessDeferredIoWorkItem(PVOID Parameter)
{
    PFLT_DEFERRED_IO_WORKITEM Item = Parameter;

    Item->Routine(Item, Item->Data, Item->Context);
}

NTEXPORT(FltQueueDeferredIoWorkItem, DISPATCH_LEVEL, "workitem fltoperation");
NTSTATUS FLTAPI FltQueueDeferredIoWorkItem(PFLT_DEFERRED_IO_WORKITEM FltWorkItem, PFLT_CALLBACK_DATA Data,
                                           PFLT_DEFERRED_IO_WORKITEM_ROUTINE WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                                           PVOID Context)
{
    if (Data->Iopb->IrpFlags & IRP_PAGING_IO)
    {
        return STATUS_FLT_NOT_SAFE_TO_POST_OPERATION;
    }
    FltWorkItem->Data = Data;
    FltWorkItem->Routine = WorkerRoutine;
    FltWorkItem->Context = Context;
    ExInitializeWorkItem(&FltWorkItem->Item, FltpProcessDeferredIoWorkItem, FltWorkItem);
    ExQueueWorkItem(&FltWorkItem->Item, QueueType);
    return STATUS_SUCCESS;
}
