/* A work item is given a local, and its function returns before the worker is done with it. */
#include "../check.h"

typedef struct _JOB
{
    KEVENT Done;
    ULONG Value;
} JOB;

static KEVENT Finished;
static volatile ULONG Result;

static VOID NTAPI Work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    JOB *Job = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    Result = Job->Value;
    KeSetEvent(&Job->Done, IO_NO_INCREMENT, FALSE);
    KeSetEvent(&Finished, IO_NO_INCREMENT, FALSE);
}

static DECLSPEC_NOINLINE VOID QueueJob(PIO_WORKITEM Item)
{
    JOB Job;

    Job.Value = 7;
    KeInitializeEvent(&Job.Done, NotificationEvent, FALSE);
    IoQueueWorkItem(Item, Work, DelayedWorkQueue, &Job);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(DeviceObject);

    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Finished, NotificationEvent, FALSE);
    QueueJob(Item);
    KeWaitForSingleObject(&Finished, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(Item);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
