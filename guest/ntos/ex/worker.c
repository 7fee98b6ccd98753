/*
 * System worker threads. An item is off its queue before its routine is called, so the routine may free or queue it
 * again. What a routine leaves behind is checked when it returns (nt-semantics D4): a mutex (0x39), the IRQL
 * (0xE1), the APC state (0x1).
 */
#include "guest/include/exp.h"
#include "guest/include/psp.h"
#include "guest/include/vf.h"

/* Few workers: each is a processor of its own to the explorer. Two delayed ones, so that a load and an unload can be
 * in progress at once, and one for all critical kinds. */
#define EXP_DELAYED_WORKERS 2
#define EXP_WORKERS (EXP_DELAYED_WORKERS + 1)

static KQUEUE ExpDelayedQueue;
static KQUEUE ExpCriticalQueue;
static PETHREAD ExpWorker[EXP_WORKERS];
static ULONG ExpWorkerCount;
/* Counts the workers that have started, for boot. */
static KSEMAPHORE ExpWorkersStarted;

static PKQUEUE ExpQueueFor(WORK_QUEUE_TYPE Type)
{
    switch (Type)
    {
    case CriticalWorkQueue:
    case HyperCriticalWorkQueue:
    case SuperCriticalWorkQueue:
    case RealTimeWorkQueue:
        return &ExpCriticalQueue;
    case DelayedWorkQueue:
    case NormalWorkQueue:
    case BackgroundWorkQueue:
        return &ExpDelayedQueue;
    default:
        if (Type >= CustomPriorityWorkQueue)
        {
            return Type - CustomPriorityWorkQueue > 12 ? &ExpCriticalQueue : &ExpDelayedQueue;
        }
        return NULL;
    }
}

static VOID ExpCheckWorkerState(PVOID Routine, PVOID Parameter, PWORK_QUEUE_ITEM Item)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL Irql = KeGetCurrentIrql();

    if (Irql != PASSIVE_LEVEL)
    {
        KeBugCheckEx(RDBC_WORKER_THREAD_RETURNED_AT_BAD_IRQL, RD_ADDRESS(Routine), Irql,
            RD_ADDRESS(Parameter), RD_ADDRESS(Item));
    }
    if (!IsListEmpty(&Thread->MutantListHead))
    {
        KeBugCheckEx(RDBC_SYSTEM_EXIT_OWNED_MUTEX, RD_ADDRESS(Routine), RD_ADDRESS(Parameter),
            RD_ADDRESS(Item), 0);
    }
    if (Thread->CombinedApcDisable != 0 || Thread->ApcStateIndex != OriginalApcEnvironment)
    {
        VfNoteApcDisable(Thread, FALSE);
        KeBugCheckEx(RDBC_APC_INDEX_MISMATCH, RD_ADDRESS(Routine), Thread->ApcStateIndex,
            Thread->CombinedApcDisable, 1);
    }
}

static VOID NTAPI ExpWorkerThread(PVOID Context)
{
    PKQUEUE Queue = Context;

    ((PETHREAD)KiCurrentThread())->ActiveExWorker = TRUE;
    KeReleaseSemaphore(&ExpWorkersStarted, 0, 1, FALSE);
    for (;;)
    {
        PLIST_ENTRY Entry = KeRemoveQueue(Queue, KernelMode, NULL);
        PWORK_QUEUE_ITEM Item = CONTAINING_RECORD(Entry, WORK_QUEUE_ITEM, List);
        PWORKER_THREAD_ROUTINE Routine = Item->WorkerRoutine;
        PVOID Parameter = Item->Parameter;

        RdEvent(RD_EVENT_WORK_ITEM, RD_ADDRESS(Item), RD_ADDRESS(Routine), 0);
        RdPassFrame(Parameter, &Item->Parameter);
        Routine(Parameter);
        RdPassedFrame(Parameter, &Item->Parameter);
        ExpCheckWorkerState(Routine, Parameter, Item);
    }
}

VOID ExpQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    PKQUEUE Queue = ExpQueueFor(QueueType);

    if (Queue == NULL)
    {
        KeBugCheckEx(0xE4, 6, QueueType, 0, 0);
    }
    if (WorkItem->List.Flink != NULL)
    {
        /* Queued already, or never initialised. */
        KeBugCheckEx(0xE4, 1, RD_ADDRESS(WorkItem), RD_ADDRESS(Queue), 0);
    }
    KiInsertQueue(Queue, &WorkItem->List, FALSE);
}

NTEXPORT(ExQueueWorkItem, DISPATCH_LEVEL, "workitem");
VOID NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    RdHoldObject(WorkItem, RD_HOLD_WORK_ITEM);
    RdHoldFrame(WorkItem->Parameter, &WorkItem->Parameter, RD_HOLD_WORK_CONTEXT);
    ExpQueueWorkItem(WorkItem, QueueType);
}

static NOLOG PWORK_QUEUE_ITEM ExpFindItem(PKQUEUE Queue, ULONG64 Start, ULONG64 End)
{
    PWORK_QUEUE_ITEM Found = NULL;
    PLIST_ENTRY Entry;

    for (Entry = Queue->EntryListHead.Flink; Entry != &Queue->EntryListHead; Entry = Entry->Flink)
    {
        PWORK_QUEUE_ITEM Item = CONTAINING_RECORD(Entry, WORK_QUEUE_ITEM, List);
        if ((KiInRange(Item, Start, End)
                || KiInRange((PVOID)(ULONG_PTR)Item->WorkerRoutine, Start, End))
            && (Found == NULL || Item < Found))
        {
            Found = Item;
        }
    }
    return Found;
}

/* An item that was handed to a waiting worker is on no queue; until the worker runs, its wait status names it. */
static NOLOG PWORK_QUEUE_ITEM ExpFindHandedOver(ULONG64 Start, ULONG64 End)
{
    ULONG Number;

    for (Number = 0; Number < EXP_WORKERS; Number++)
    {
        PKTHREAD Thread = &ExpWorker[Number]->Tcb;
        PWORK_QUEUE_ITEM Item;
        if (Thread->Rd.state != RD_THREAD_READY || Thread->WaitStatus >= 0 || (ULONG64)Thread->WaitStatus < RD_IMAGE_BASE
            || (LONG64)(LONG)Thread->WaitStatus == Thread->WaitStatus)
        {
            continue; /* a status, not an entry */
        }
        Item = CONTAINING_RECORD((PLIST_ENTRY)Thread->WaitStatus, WORK_QUEUE_ITEM, List);
        if (KiInRange(Item, Start, End)
            || KiInRange((PVOID)(ULONG_PTR)Item->WorkerRoutine, Start, End))
        {
            return Item;
        }
    }
    return NULL;
}

/* A queued item that lies in the range, or whose routine does; for the verifier. */
PWORK_QUEUE_ITEM ExpFindWorkItem(ULONG64 Start, ULONG64 End)
{
    PWORK_QUEUE_ITEM Item = ExpFindItem(&ExpDelayedQueue, Start, End);

    Item = Item != NULL ? Item : ExpFindItem(&ExpCriticalQueue, Start, End);
    return Item != NULL ? Item : ExpFindHandedOver(Start, End);
}

static BOOLEAN ExpStartWorker(PCSTR Name, PKQUEUE Queue, KPRIORITY Priority)
{
    PETHREAD Thread = PspCreateKernelThread(Name, ExpWorkerThread, Queue, Priority);

    if (Thread == NULL)
    {
        return FALSE;
    }
    ExpWorker[ExpWorkerCount++] = Thread;
    /* Executions begin with all workers at their queues. */
    KeWaitForSingleObject(&ExpWorkersStarted, Executive, KernelMode, FALSE, NULL);
    return TRUE;
}

BOOLEAN ExInitSystem(VOID)
{
    ULONG Number;

    KeInitializeQueue(&ExpDelayedQueue, 0);
    KeInitializeQueue(&ExpCriticalQueue, 0);
    KeInitializeSemaphore(&ExpWorkersStarted, 0, MAXLONG);
    for (Number = 0; Number < EXP_DELAYED_WORKERS; Number++)
    {
        if (!ExpStartWorker("delayed worker", &ExpDelayedQueue, 12))
        {
            return FALSE;
        }
    }
    return ExpStartWorker("critical worker", &ExpCriticalQueue, 13);
}
