/* What the variants of the sample share: the work queues, and the filter itself. */
#ifndef ISOLATE_H
#define ISOLATE_H

#include <fltKernel.h>

/* workerqueue.c */
NTSTATUS SetupWorkerQueues(VOID);
VOID StopWorkerQueues(VOID);

/* driver.c */
extern PFLT_FILTER FilterHandle;
/* Registers the filter and starts it. */
NTSTATUS RegisterFilter(PDRIVER_OBJECT DriverObject);

/* Each variant's own: what UnloadCallback does before it tears anything down. */
VOID BeforeUnload(VOID);

#endif
