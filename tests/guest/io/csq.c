/*
 * Cancel-safe queues: the system does the cancellation protocol for the driver.
 */
#include "../stack.h"

typedef struct _QUEUE
{
    IO_CSQ Csq;
    LIST_ENTRY Head;
    KSPIN_LOCK Lock;
    LONG Inserted, Removed, Cancelled;
} QUEUE, *PQUEUE;

static QUEUE Queue;

static VOID NTAPI Insert(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    Queue.Inserted++;
    InsertTailList(&Queue.Head, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI Remove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    Queue.Removed++;
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI PeekNext(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY Next = Irp == NULL ? Queue.Head.Flink : Irp->Tail.Overlay.ListEntry.Flink;

    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(Context);
    return Next == &Queue.Head ? NULL : CONTAINING_RECORD(Next, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI Acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeAcquireSpinLock(&Queue.Lock, Irql);
}

static VOID NTAPI Release(PIO_CSQ Csq, KIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeReleaseSpinLock(&Queue.Lock, Irql);
}

static VOID NTAPI CompleteCancelled(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    Queue.Cancelled++;
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS QueueRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoCsqInsertIrp(&Queue.Csq, Irp, NULL);
    return STATUS_PENDING;
}

static PDEVICE_OBJECT NewQueue(VOID)
{
    RtlZeroMemory(&Queue, sizeof(Queue));
    InitializeListHead(&Queue.Head);
    KeInitializeSpinLock(&Queue.Lock);
    EXPECT_EQ(IoCsqInitialize(&Queue.Csq, Insert, Remove, PeekNext, Acquire, Release, CompleteCancelled),
              STATUS_SUCCESS);
    return TestPush(NULL, QueueRequest);
}

static VOID CompleteOne(PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

TEST(InsertionMarksTheRequestPending)
{
    PDEVICE_OBJECT Device = NewQueue();
    TEST_REQUEST Request;

    TestPrepare(&Request, Device);
    TestSend(&Request, Device);
    EXPECT_EQ(Request.CallStatus, STATUS_PENDING);
    EXPECT_EQ(Queue.Inserted, 1);
    CompleteOne(IoCsqRemoveNextIrp(&Queue.Csq, NULL));
    TestWait(&Request.Done);
    EXPECT_EQ(Request.PendingReturned, TRUE);
    TestFinish(&Request);
    TestPop(Device);
}

TEST(RequestsLeaveTheQueueInOrderAndThenThereIsNone)
{
    PDEVICE_OBJECT Device = NewQueue();
    TEST_REQUEST First, Second;
    PIRP Irp;

    TestPrepare(&First, Device);
    TestPrepare(&Second, Device);
    TestSend(&First, Device);
    TestSend(&Second, Device);
    Irp = IoCsqRemoveNextIrp(&Queue.Csq, NULL);
    EXPECT_EQ(Irp, First.Irp);
    CompleteOne(Irp);
    Irp = IoCsqRemoveNextIrp(&Queue.Csq, NULL);
    EXPECT_EQ(Irp, Second.Irp);
    CompleteOne(Irp);
    EXPECT_EQ(IoCsqRemoveNextIrp(&Queue.Csq, NULL), 0);
    TestFinish(&First);
    TestFinish(&Second);
    TestPop(Device);
}

TEST(CancelRemovesTheRequestAndCompletesIt)
{
    PDEVICE_OBJECT Device = NewQueue();
    TEST_REQUEST Request;

    TestPrepare(&Request, Device);
    TestSend(&Request, Device);
    EXPECT(IoCancelIrp(Request.Irp));
    TestWait(&Request.Done);
    EXPECT_EQ(Queue.Removed, 1);
    EXPECT_EQ(Queue.Cancelled, 1);
    EXPECT_EQ(Request.Irp->IoStatus.Status, STATUS_CANCELLED);
    EXPECT_EQ(IoCsqRemoveNextIrp(&Queue.Csq, NULL), 0);
    TestFinish(&Request);
    TestPop(Device);
}

TEST(RequestCancelledBeforeInsertionIsCompletedAtOnce)
{
    PDEVICE_OBJECT Device = NewQueue();
    TEST_REQUEST Request;

    TestPrepare(&Request, Device);
    Request.Irp->Cancel = TRUE;
    TestSend(&Request, Device);
    EXPECT_EQ(Request.CallStatus, STATUS_PENDING);
    TestWait(&Request.Done);
    EXPECT_EQ(Queue.Cancelled, 1);
    TestFinish(&Request);
    TestPop(Device);
}

TEST(CancelAfterRemovalCallsNothing)
{
    PDEVICE_OBJECT Device = NewQueue();
    TEST_REQUEST Request;
    PIRP Irp;

    TestPrepare(&Request, Device);
    TestSend(&Request, Device);
    Irp = IoCsqRemoveNextIrp(&Queue.Csq, NULL);
    EXPECT(!IoCancelIrp(Irp));
    EXPECT_EQ(Queue.Cancelled, 0);
    CompleteOne(Irp);
    TestFinish(&Request);
    TestPop(Device);
}
