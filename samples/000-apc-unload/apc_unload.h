/*
 * What the driver proper (driver.c) and its remedy share. The driver queues APCs and unloads; a
 * remedy is what one of the proposed fixes adds: what happens before an insertion, in the two APC
 * routines, and at unload. Each variant of the sample links driver.c with exactly one remedy.
 */
#ifndef APC_UNLOAD_H
#define APC_UNLOAD_H

#include "apc.h"

#define APC_UNLOAD_TAG 'UcpA'

/* The calling thread becomes the target of later APCs. */
#define IOCTL_APC_REGISTER CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Queues one APC to the target. Input: ULONG, one of the APC_KIND_ values. */
#define IOCTL_APC_QUEUE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define APC_KIND_SPECIAL_KERNEL 0
#define APC_KIND_USER 1
/* A normal kernel APC whose kernel routine suppresses the normal routine. */
#define APC_KIND_NORMAL_KERNEL 2
/* One whose kernel routine lets the normal routine run, which is the driver's. */
#define APC_KIND_NORMAL_ROUTINE 3

/* One allocation a request; the KAPC comes first, so that the routines find the rest. */
typedef struct _APC_REQUEST
{
    KAPC Apc;
    PDEVICE_OBJECT DeviceObject;
    ULONG Kind;
} APC_REQUEST, *PAPC_REQUEST;

VOID RemedyInitialize(VOID);
VOID RemedyBeforeInsert(PAPC_REQUEST Request);
/* The APC was refused (its thread is going away): neither routine will run. */
VOID RemedyInsertFailed(PAPC_REQUEST Request);
VOID RemedyUnload(VOID);

APC_KERNEL_ROUTINE RemedyKernelRoutine;
APC_RUNDOWN_ROUTINE RemedyRundownRoutine;

#endif
