/*
 * The driver's own work queues: each has a system thread that serves it. SetupWorkerQueues builds them and publishes the
 * table when it is complete; StopWorkerQueues walks the table, stops every thread and waits until it is gone.
 */
#include "isolate.h"

#define QUEUE_TAG 'euQW'

typedef struct _WORKER_QUEUE
{
    LIST_ENTRY Work;
    KSPIN_LOCK Lock;
    KEVENT Stop;
    PVOID Thread;
} WORKER_QUEUE, *PWORKER_QUEUE;

typedef struct _WORKER_QUEUES
{
    ULONG Count;
    PWORKER_QUEUE Queue[2];
} WORKER_QUEUES, *PWORKER_QUEUES;

static PWORKER_QUEUES WorkerQueues;

static VOID NTAPI QueueThread(PVOID Context)
{
    PWORKER_QUEUE Queue = Context;

    KeWaitForSingleObject(&Queue->Stop, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS SetupReadWorkQueue(PWORKER_QUEUES Queues)
{
    PWORKER_QUEUE Queue = ExAllocatePoolWithTag(NonPagedPool, sizeof *Queue, QUEUE_TAG);
    HANDLE Handle;
    NTSTATUS Status;

    if (Queue == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    InitializeListHead(&Queue->Work);
    KeInitializeSpinLock(&Queue->Lock);
    KeInitializeEvent(&Queue->Stop, NotificationEvent, FALSE);
    Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, QueueThread, Queue);
    if (!NT_SUCCESS(Status))
    {
        ExFreePoolWithTag(Queue, QUEUE_TAG);
        return Status;
    }
    ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Queue->Thread, NULL);
    ZwClose(Handle);
    Queues->Queue[Queues->Count++] = Queue;
    return STATUS_SUCCESS;
}

NTSTATUS SetupWorkerQueues(VOID)
{
    PWORKER_QUEUES Queues = ExAllocatePoolWithTag(NonPagedPool, sizeof *Queues, QUEUE_TAG);
    NTSTATUS Status;

    if (Queues == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Queues->Count = 0;
    Status = SetupReadWorkQueue(Queues);
    if (!NT_SUCCESS(Status))
    {
        ExFreePoolWithTag(Queues, QUEUE_TAG);
        return Status;
    }
    WorkerQueues = Queues;
    return STATUS_SUCCESS;
}

VOID StopWorkerQueues(VOID)
{
    PWORKER_QUEUES Queues = WorkerQueues;
    ULONG i;

    for (i = 0; i < Queues->Count; i++)
    {
        PWORKER_QUEUE Queue = Queues->Queue[i];

        KeSetEvent(&Queue->Stop, IO_NO_INCREMENT, FALSE);
        KeWaitForSingleObject(Queue->Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Queue->Thread);
        ExFreePoolWithTag(Queue, QUEUE_TAG);
    }
    WorkerQueues = NULL;
    ExFreePoolWithTag(Queues, QUEUE_TAG);
}
