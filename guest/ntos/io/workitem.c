/*
 * I/O work items. A queued item holds its device object until the routine has returned, and through
 * it the driver's image; an allocated item that is not queued holds nothing.
 */
#include "guest/include/iop.h"

typedef struct _IO_WORKITEM
{
    WORK_QUEUE_ITEM Item;
    PVOID Routine;
    PVOID IoObject; /* DEVICE_OBJECT or DRIVER_OBJECT */
    PVOID Context;
    BOOLEAN Extended; /* the routine takes the item too */
} IO_WORKITEM;

NTEXPORT(IoSizeofWorkItem, DISPATCH_LEVEL, "");
ULONG NTAPI IoSizeofWorkItem(VOID)
{
    return sizeof(IO_WORKITEM);
}

NTEXPORT(IoInitializeWorkItem, DISPATCH_LEVEL, "work item");
VOID NTAPI IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    RtlZeroMemory(IoWorkItem, sizeof *IoWorkItem);
    IoWorkItem->IoObject = IoObject;
}

NTEXPORT(IoUninitializeWorkItem, DISPATCH_LEVEL, "work item");
VOID NTAPI IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    IoWorkItem->IoObject = NULL;
}

NTEXPORT(IoAllocateWorkItem, DISPATCH_LEVEL, "work item");
PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM Item = ExAllocatePoolWithTag(NonPagedPool, sizeof *Item, IOP_TAG);

    if (Item != NULL)
    {
        IoInitializeWorkItem(DeviceObject, Item);
    }
    return Item;
}

NTEXPORT(IoFreeWorkItem, DISPATCH_LEVEL, "work item");
VOID NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    ExFreePoolWithTag(IoWorkItem, IOP_TAG);
}

/* The item may be freed or queued again by its routine, so nothing of it is read after the call. */
static VOID NTAPI IopProcessWorkItem(PVOID Parameter)
{
    PIO_WORKITEM Item = Parameter;
    PVOID IoObject = Item->IoObject;
    PVOID Context = Item->Context;

    RdEvent(RD_EVENT_WORK_ITEM, Item, Item->Routine, 0);
    RdPassFrame(Context, &Item->Context);
    if (Item->Extended)
    {
        ((PIO_WORKITEM_ROUTINE_EX)Item->Routine)(IoObject, Context, Item);
    }
    else
    {
        ((PIO_WORKITEM_ROUTINE)Item->Routine)(IoObject, Context);
    }
    RdPassedFrame(Context, &Item->Context);
    ObfDereferenceObject(IoObject);
}

static VOID IopQueueWorkItem(PIO_WORKITEM Item, PVOID Routine, WORK_QUEUE_TYPE QueueType,
                             PVOID Context, BOOLEAN Extended)
{
    ObfReferenceObject(Item->IoObject);
    Item->Routine = Routine;
    Item->Context = Context;
    Item->Extended = Extended;
    RdHoldFrame(Context, &Item->Context, RD_HOLD_WORK_CONTEXT);
    ExInitializeWorkItem(&Item->Item, IopProcessWorkItem, Item);
    ExQueueWorkItem(&Item->Item, QueueType);
}

NTEXPORT(IoQueueWorkItem, DISPATCH_LEVEL, "work item device");
VOID NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                           WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IopQueueWorkItem(IoWorkItem, WorkerRoutine, QueueType, Context, FALSE);
}

NTEXPORT(IoQueueWorkItemEx, DISPATCH_LEVEL, "work item device");
VOID NTAPI IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                             WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IopQueueWorkItem(IoWorkItem, WorkerRoutine, QueueType, Context, TRUE);
}
