/*
 * The driver's own work queue (the real one had several), with a system thread that serves it. A queue that has a handle has a thread; so
 * StopWorkerQueues takes it, but PsCreateSystemThread fills the handle in long before the queue knows its thread.
 */
#include "isolate.h"

#define QUEUE_TAG 'euQW'

typedef struct _QUEUE_THREAD
{
    KEVENT Wake;
    BOOLEAN Stopping;
    PVOID Object;
} QUEUE_THREAD, *PQUEUE_THREAD;

typedef struct _WORKER_QUEUE
{
    LIST_ENTRY Work;
    KSPIN_LOCK Lock;
    HANDLE Handle;
    PQUEUE_THREAD Thread;
} WORKER_QUEUE, *PWORKER_QUEUE;

static WORKER_QUEUE ReadQueue;

static VOID NTAPI QueueThread(PVOID Context)
{
    PQUEUE_THREAD Thread = Context;

    do
    {
        KeWaitForSingleObject(&Thread->Wake, Executive, KernelMode, FALSE, NULL);
    } while (!*(volatile BOOLEAN *)&Thread->Stopping);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static DECLSPEC_NOINLINE NTSTATUS SetupReadWorkQueue(VOID)
{
    PWORKER_QUEUE Queue = &ReadQueue;
    PQUEUE_THREAD Thread = ExAllocatePoolWithTag(NonPagedPool, sizeof *Thread, QUEUE_TAG);
    NTSTATUS Status;

    if (Thread == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    InitializeListHead(&Queue->Work);
    KeInitializeSpinLock(&Queue->Lock);
    KeInitializeEvent(&Thread->Wake, SynchronizationEvent, FALSE);
    Thread->Stopping = FALSE;
    Status = PsCreateSystemThread(&Queue->Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, QueueThread, Thread);
    if (!NT_SUCCESS(Status))
    {
        ExFreePoolWithTag(Thread, QUEUE_TAG);
        return Status;
    }
    ObReferenceObjectByHandle(Queue->Handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread->Object, NULL);
    Queue->Thread = Thread;
    return STATUS_SUCCESS;
}

DECLSPEC_NOINLINE NTSTATUS SetupWorkerQueues(VOID)
{
    NTSTATUS Status = SetupReadWorkQueue();

    if (!NT_SUCCESS(Status))
    {
        DbgPrint("isolate: no read queue: %08x\n", Status);
    }
    return Status;
}

DECLSPEC_NOINLINE VOID StopWorkerQueues(VOID)
{
    PWORKER_QUEUE Queue = &ReadQueue;

    if (Queue->Handle == NULL)
    {
        return; /* it has no thread yet */
    }
    Queue->Thread->Stopping = TRUE;
    KeSetEvent(&Queue->Thread->Wake, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(Queue->Thread->Object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Queue->Thread->Object);
    ExFreePoolWithTag(Queue->Thread, QUEUE_TAG);
    ZwClose(Queue->Handle);
    Queue->Handle = NULL;
}
