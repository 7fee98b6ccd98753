/* Executive: pool, resources, run-down protection, work queues, callbacks. */
#ifndef GUEST_EXP_H
#define GUEST_EXP_H

#include "guest/include/ki.h"

/* Pool exists from here on: needs only the processor's idle thread. */
VOID ExpInitializePool(VOID);
/* Work queues and their threads; needs threads. */
BOOLEAN ExInitSystem(VOID);
/* For items of the kernel's own, which outlive their routines by construction. */
VOID ExpQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType);

/* Pool for the kernel's own boot-time needs never fails by choice of the explorer. */
PVOID ExpAllocateKernelPool(SIZE_T Bytes, ULONG Tag);

/* How many allocations may still fail by choice (loader block, RD_OP_FAIL_ALLOCATIONS). */
VOID ExpSetFaultBudget(ULONG Count);

/* For the verifier: a queued work item that lies in [Start, End) or whose routine does. */
PWORK_QUEUE_ITEM ExpFindWorkItem(ULONG64 Start, ULONG64 End);

#endif
