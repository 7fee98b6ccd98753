/*
 * Queues (KQUEUE): entries are handed to waiting threads directly, the thread that waited last first, as long as
 * fewer than MaximumCount of the queue's threads are active. A thread of the queue that waits for something else does
 * not count as active meanwhile.
 */
#include "guest/include/ki.h"

NTEXPORT(KeInitializeQueue, ANY_LEVEL, "queue");
VOID NTAPI KeInitializeQueue(PRKQUEUE Queue, ULONG Count)
{
    Queue->Header.Lock = 0;
    Queue->Header.Type = KI_QUEUE;
    Queue->Header.Size = sizeof(KQUEUE) / sizeof(LONG);
    Queue->Header.SignalState = 0;
    InitializeListHead(&Queue->Header.WaitListHead);
    InitializeListHead(&Queue->EntryListHead);
    InitializeListHead(&Queue->ThreadListHead);
    Queue->CurrentCount = 0;
    Queue->MaximumCount = Count != 0 ? Count : RD_MAX_CPUS;
}

NTEXPORT(KeReadStateQueue, DISPATCH_LEVEL, "queue");
LONG NTAPI KeReadStateQueue(PRKQUEUE Queue)
{
    return Queue->Header.SignalState;
}

/* The first entry, for a thread that becomes active with it. The status of its wait is the entry's address. */
LONG_PTR KiTakeQueueEntry(PKQUEUE Queue, PKTHREAD Thread)
{
    PLIST_ENTRY Entry = Queue->EntryListHead.Flink;

    RdCheckObject(Entry, sizeof(*Entry));
    RdForgetObject(Entry);
    RemoveEntryList(Entry);
    Queue->Header.SignalState--;
    Queue->CurrentCount++;
    Entry->Flink = NULL;
    return (LONG_PTR)Entry;
}

VOID KiThreadLeavesQueue(PKTHREAD Thread)
{
    PKQUEUE Queue = Thread->Queue;

    Queue->CurrentCount--;
    if (Queue->Header.SignalState > 0)
    {
        KiWaitTest(&Queue->Header, 0);
    }
}

LONG KiInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry, BOOLEAN Head)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LONG Old = Queue->Header.SignalState;

    Queue->Header.SignalState++;
    if (Head)
    {
        InsertHeadList(&Queue->EntryListHead, Entry);
    }
    else
    {
        InsertTailList(&Queue->EntryListHead, Entry);
    }
    KiWaitTest(&Queue->Header, 0);
    __writecr8(OldIrql);
    return Old;
}

NTEXPORT(KeInsertQueue, DISPATCH_LEVEL, "queue");
LONG NTAPI KeInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    RdHoldObject(Entry, RD_HOLD_QUEUE_ENTRY);
    return KiInsertQueue(Queue, Entry, FALSE);
}

NTEXPORT(KeInsertHeadQueue, DISPATCH_LEVEL, "queue");
LONG NTAPI KeInsertHeadQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    RdHoldObject(Entry, RD_HOLD_QUEUE_ENTRY);
    return KiInsertQueue(Queue, Entry, TRUE);
}

NTEXPORT(KeRemoveQueue, DISPATCH_LEVEL, "queue");
PLIST_ENTRY NTAPI KeRemoveQueue(PRKQUEUE Queue, KPROCESSOR_MODE WaitMode, PLARGE_INTEGER Timeout)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LONG_PTR Status;

    if (Thread->Queue != NULL)
    {
        KiThreadLeavesQueue(Thread);
    }
    if (Thread->Queue != Queue)
    {
        if (Thread->Queue != NULL)
        {
            RemoveEntryList(&Thread->QueueListEntry);
        }
        Thread->Queue = Queue;
        InsertTailList(&Queue->ThreadListHead, &Thread->QueueListEntry);
    }
    __writecr8(OldIrql);
    Status = KiWaitOnQueue(Queue, WaitMode, Timeout);
    if (Status == STATUS_TIMEOUT || Status == STATUS_USER_APC)
    {
        Queue->CurrentCount++;
    }
    return (PLIST_ENTRY)Status;
}

NTEXPORT(KeRundownQueue, DISPATCH_LEVEL, "queue");
PLIST_ENTRY NTAPI KeRundownQueue(PRKQUEUE Queue)
{
    PLIST_ENTRY First = NULL;

    if (!IsListEmpty(&Queue->EntryListHead))
    {
        First = Queue->EntryListHead.Flink;
        RemoveEntryList(&Queue->EntryListHead);
    }
    while (!IsListEmpty(&Queue->ThreadListHead))
    {
        PLIST_ENTRY Entry = RemoveHeadList(&Queue->ThreadListHead);
        CONTAINING_RECORD(Entry, KTHREAD, QueueListEntry)->Queue = NULL;
    }
    return First;
}
