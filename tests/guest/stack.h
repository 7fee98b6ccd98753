/*
 * A device stack inside the test driver: unnamed devices of one driver, attached to each other.
 * What a layer does with a request is a function of its own, its behaviour, chosen by each test.
 */
#ifndef TESTS_GUEST_STACK_H
#define TESTS_GUEST_STACK_H

#include "test.h"

typedef NTSTATUS TEST_BEHAVIOUR(PDEVICE_OBJECT DeviceObject, PIRP Irp);

typedef struct _TEST_LAYER
{
    PDEVICE_OBJECT Next;
    TEST_BEHAVIOUR *Behaviour;
    NTSTATUS Status;        /* that LayerComplete completes with */
    ULONG_PTR Information;
    BOOLEAN InvokeOnSuccess, InvokeOnError, InvokeOnCancel; /* for LayerWatch */
    BOOLEAN Stop;           /* LayerWatch's routine returns STATUS_MORE_PROCESSING_REQUIRED */
    BOOLEAN Remark;         /* LayerWatch's routine marks the request pending again */
    PIRP Held;              /* by LayerPend */
    KEVENT HeldEvent;
    /* What happened. */
    LONG Dispatched, Completed, Order;
    BOOLEAN PendingReturned;
    PDEVICE_OBJECT RoutineDevice;
    NTSTATUS RoutineStatus;
    UCHAR MajorFunction;
    UCHAR NextControl; /* of the location below, as the completion routine saw it */
    PVOID NextRoutine;
} TEST_LAYER, *PTEST_LAYER;

extern LONG TestStackSequence;

PTEST_LAYER TestLayer(PDEVICE_OBJECT DeviceObject);
/* Creates a device and attaches it above Below (NULL: the bottom). */
PDEVICE_OBJECT TestPush(PDEVICE_OBJECT Below, TEST_BEHAVIOUR *Behaviour);
/* Detaches and deletes: from the top down. */
VOID TestPop(PDEVICE_OBJECT DeviceObject);

TEST_BEHAVIOUR LayerComplete; /* completes at once with Status and Information */
TEST_BEHAVIOUR LayerPend;     /* marks pending and keeps the request in Held */
TEST_BEHAVIOUR LayerSkip;     /* passes down in the same location */
TEST_BEHAVIOUR LayerCopy;     /* passes down in a location of its own, no completion routine */
TEST_BEHAVIOUR LayerWatch;    /* ... with a completion routine that records */

VOID TestCompleteHeld(PDEVICE_OBJECT DeviceObject, NTSTATUS Status);

/* A request of the test's own: sent with a completion routine that stops it, waited for, then
 * looked at. */
typedef struct _TEST_REQUEST
{
    PIRP Irp;
    KEVENT Done;
    NTSTATUS CallStatus;
    LONG Completed, Order;
    BOOLEAN PendingReturned;
    PDEVICE_OBJECT RoutineDevice;
} TEST_REQUEST, *PTEST_REQUEST;

VOID TestPrepare(PTEST_REQUEST Request, PDEVICE_OBJECT Target);
VOID TestSend(PTEST_REQUEST Request, PDEVICE_OBJECT Target); /* does not wait */
VOID TestFinish(PTEST_REQUEST Request);                      /* waits and frees */

#endif
