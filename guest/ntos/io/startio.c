/*
 * Device queues, and the StartIo model on top of them: one request at a time in the driver's
 * StartIo routine, the rest in the device's queue, cancellation under the cancel spin lock.
 */
#include "guest/include/iop.h"

NTEXPORT(KeInitializeDeviceQueue, ANY_LEVEL, "device queue");
VOID NTAPI KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    DeviceQueue->Type = 20; /* the kernel object type number of a device queue */
    DeviceQueue->Size = sizeof *DeviceQueue;
    InitializeListHead(&DeviceQueue->DeviceListHead);
    KeInitializeSpinLock(&DeviceQueue->Lock);
    DeviceQueue->Busy = FALSE;
}

NTEXPORT(KeInsertDeviceQueue, DISPATCH_LEVEL, "device queue");
BOOLEAN NTAPI KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry)
{
    Entry->Inserted = DeviceQueue->Busy;
    if (DeviceQueue->Busy)
    {
        InsertTailList(&DeviceQueue->DeviceListHead, &Entry->DeviceListEntry);
    }
    DeviceQueue->Busy = TRUE;
    return Entry->Inserted;
}

NTEXPORT(KeInsertByKeyDeviceQueue, DISPATCH_LEVEL, "device queue");
BOOLEAN NTAPI KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry,
                                       ULONG SortKey)
{
    PLIST_ENTRY At = &DeviceQueue->DeviceListHead;

    Entry->SortKey = SortKey;
    Entry->Inserted = DeviceQueue->Busy;
    if (DeviceQueue->Busy)
    {
        /* Behind the last one whose key is not greater. */
        while (At->Blink != &DeviceQueue->DeviceListHead &&
               CONTAINING_RECORD(At->Blink, KDEVICE_QUEUE_ENTRY, DeviceListEntry)->SortKey >
                   SortKey)
        {
            At = At->Blink;
        }
        InsertTailList(At, &Entry->DeviceListEntry);
    }
    DeviceQueue->Busy = TRUE;
    return Entry->Inserted;
}

static PKDEVICE_QUEUE_ENTRY IopTakeEntry(PLIST_ENTRY Link)
{
    PKDEVICE_QUEUE_ENTRY Entry = CONTAINING_RECORD(Link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);

    RemoveEntryList(Link);
    Entry->Inserted = FALSE;
    return Entry;
}

NTEXPORT(KeRemoveDeviceQueue, DISPATCH_LEVEL, "device queue");
PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    if (IsListEmpty(&DeviceQueue->DeviceListHead))
    {
        DeviceQueue->Busy = FALSE;
        return NULL;
    }
    return IopTakeEntry(DeviceQueue->DeviceListHead.Flink);
}

NTEXPORT(KeRemoveByKeyDeviceQueue, DISPATCH_LEVEL, "device queue");
PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PLIST_ENTRY Head = &DeviceQueue->DeviceListHead, Link;

    for (Link = Head->Flink; Link != Head; Link = Link->Flink)
    {
        if (CONTAINING_RECORD(Link, KDEVICE_QUEUE_ENTRY, DeviceListEntry)->SortKey >= SortKey)
        {
            return IopTakeEntry(Link);
        }
    }
    return KeRemoveDeviceQueue(DeviceQueue); /* from the beginning */
}

NTEXPORT(KeRemoveEntryDeviceQueue, DISPATCH_LEVEL, "device queue");
BOOLEAN NTAPI KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry)
{
    if (!Entry->Inserted)
    {
        return FALSE;
    }
    IopTakeEntry(&Entry->DeviceListEntry);
    return TRUE;
}

static VOID IopStart(PDEVICE_OBJECT DeviceObject, PIRP Irp, BOOLEAN Cancelable, KIRQL CancelIrql)
{
    DeviceObject->CurrentIrp = Irp;
    if (Cancelable)
    {
        IoReleaseCancelSpinLock(CancelIrql);
    }
    DeviceObject->DriverObject->DriverStartIo(DeviceObject, Irp);
}

NTEXPORT(IoStartPacket, DISPATCH_LEVEL, "irp device");
VOID NTAPI IoStartPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PULONG Key,
                         PDRIVER_CANCEL CancelFunction)
{
    KIRQL OldIrql, CancelIrql = PASSIVE_LEVEL;
    BOOLEAN Queued;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    if (CancelFunction != NULL)
    {
        IoAcquireCancelSpinLock(&CancelIrql);
        IoSetCancelRoutine(Irp, CancelFunction);
    }
    Queued = Key != NULL ? KeInsertByKeyDeviceQueue(&DeviceObject->DeviceQueue,
                                                    &Irp->Tail.Overlay.DeviceQueueEntry, *Key)
                         : KeInsertDeviceQueue(&DeviceObject->DeviceQueue,
                                               &Irp->Tail.Overlay.DeviceQueueEntry);
    if (!Queued)
    {
        IopStart(DeviceObject, Irp, CancelFunction != NULL, CancelIrql);
    }
    else if (CancelFunction != NULL)
    {
        if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL)
        {
            Irp->CancelIrql = CancelIrql; /* cancelled before it was queued: the routine runs now */
            CancelFunction(DeviceObject, Irp);
        }
        else
        {
            IoReleaseCancelSpinLock(CancelIrql);
        }
    }
    KeLowerIrql(OldIrql);
}

static VOID IopStartNext(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, BOOLEAN ByKey, ULONG Key)
{
    KIRQL CancelIrql = PASSIVE_LEVEL;
    PKDEVICE_QUEUE_ENTRY Entry;

    if (Cancelable)
    {
        IoAcquireCancelSpinLock(&CancelIrql);
    }
    DeviceObject->CurrentIrp = NULL;
    Entry = ByKey ? KeRemoveByKeyDeviceQueue(&DeviceObject->DeviceQueue, Key)
                  : KeRemoveDeviceQueue(&DeviceObject->DeviceQueue);
    if (Entry != NULL)
    {
        IopStart(DeviceObject, CONTAINING_RECORD(Entry, IRP, Tail.Overlay.DeviceQueueEntry),
                 Cancelable, CancelIrql);
    }
    else if (Cancelable)
    {
        IoReleaseCancelSpinLock(CancelIrql);
    }
}

NTEXPORT(IoStartNextPacket, DISPATCH_LEVEL, "irp device");
VOID NTAPI IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable)
{
    IopStartNext(DeviceObject, Cancelable, FALSE, 0);
}

NTEXPORT(IoStartNextPacketByKey, DISPATCH_LEVEL, "irp device");
VOID NTAPI IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key)
{
    IopStartNext(DeviceObject, Cancelable, TRUE, Key);
}
