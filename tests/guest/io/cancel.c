/*
 * Cancellation.
 */
#include "../stack.h"

typedef struct _CANCELLED
{
    LONG Calls;
    KIRQL Irql, SavedIrql;
    BOOLEAN CancelBit;
    PDEVICE_OBJECT Device;
    PVOID RoutineInside;
} CANCELLED;

static CANCELLED Cancelled;

static VOID NTAPI RecordCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Cancelled.Calls++;
    Cancelled.Irql = KeGetCurrentIrql();
    Cancelled.SavedIrql = Irp->CancelIrql;
    Cancelled.CancelBit = Irp->Cancel;
    Cancelled.Device = DeviceObject;
    Cancelled.RoutineInside = (PVOID)(ULONG_PTR)Irp->CancelRoutine;
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS PendCancelable(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_LAYER Layer = TestLayer(DeviceObject);

    IoMarkIrpPending(Irp);
    Layer->Held = Irp;
    IoSetCancelRoutine(Irp, RecordCancel);
    return STATUS_PENDING;
}

TEST(CancelWithoutARoutineSetsTheBitAndReturnsFalse)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    EXPECT(!IoCancelIrp(Irp));
    EXPECT_EQ(Irp->Cancel, TRUE);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    IoFreeIrp(Irp);
}

TEST(CancelCallsTheRoutineAtDispatchLevelWithTheLockHeld)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, PendCancelable);
    TEST_REQUEST Request;

    RtlZeroMemory(&Cancelled, sizeof(Cancelled));
    TestPrepare(&Request, Bottom);
    TestSend(&Request, Bottom);
    EXPECT_EQ(Request.CallStatus, STATUS_PENDING);
    EXPECT(IoCancelIrp(Request.Irp));
    TestWait(&Request.Done);
    EXPECT_EQ(Cancelled.Calls, 1);
    EXPECT_EQ(Cancelled.Irql, DISPATCH_LEVEL);
    EXPECT_EQ(Cancelled.SavedIrql, PASSIVE_LEVEL);
    EXPECT_EQ(Cancelled.CancelBit, TRUE);
    EXPECT_EQ(Cancelled.Device, Bottom);
    EXPECT_EQ(Cancelled.RoutineInside, 0);
    EXPECT_EQ(Request.Irp->IoStatus.Status, STATUS_CANCELLED);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    TestFinish(&Request);
    TestPop(Bottom);
}

TEST(SetCancelRoutineReturnsTheOldOne)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    EXPECT_EQ((ULONG_PTR)IoSetCancelRoutine(Irp, RecordCancel), 0);
    EXPECT_EQ((ULONG_PTR)IoSetCancelRoutine(Irp, NULL), (ULONG_PTR)RecordCancel);
    EXPECT_EQ((ULONG_PTR)IoSetCancelRoutine(Irp, NULL), 0);
    IoFreeIrp(Irp);
}

TEST(TakingTheRoutineBackKeepsCancelFromCallingIt)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, PendCancelable);
    TEST_REQUEST Request;

    RtlZeroMemory(&Cancelled, sizeof(Cancelled));
    TestPrepare(&Request, Bottom);
    TestSend(&Request, Bottom);
    EXPECT_EQ((ULONG_PTR)IoSetCancelRoutine(Request.Irp, NULL), (ULONG_PTR)RecordCancel);
    EXPECT(!IoCancelIrp(Request.Irp));
    EXPECT_EQ(Cancelled.Calls, 0);
    TestCompleteHeld(Bottom, STATUS_SUCCESS);
    TestFinish(&Request);
    TestPop(Bottom);
}

TEST(SecondCancelCallsNothing)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    EXPECT(!IoCancelIrp(Irp));
    EXPECT(!IoCancelIrp(Irp));
    IoFreeIrp(Irp);
}

TEST(CancelSpinLockRaisesToDispatchLevel)
{
    KIRQL Irql;

    IoAcquireCancelSpinLock(&Irql);
    EXPECT_EQ(Irql, PASSIVE_LEVEL);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    IoReleaseCancelSpinLock(Irql);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(CancelledRequestInvokesRoutinesThatAskForIt)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, PendCancelable);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    TEST_REQUEST Request;

    TestLayer(Top)->InvokeOnSuccess = FALSE;
    TestLayer(Top)->InvokeOnError = FALSE;
    TestPrepare(&Request, Top);
    TestSend(&Request, Top);
    EXPECT(IoCancelIrp(Request.Irp));
    TestWait(&Request.Done);
    EXPECT_EQ(TestLayer(Top)->Completed, 1);
    EXPECT_EQ(TestLayer(Top)->RoutineStatus, STATUS_CANCELLED);
    TestFinish(&Request);
    TestPop(Top);
    TestPop(Bottom);
}

/* A thread that leaves a threaded request behind: the system cancels it and waits. */
static VOID NTAPI LeaveRequestBehind(PVOID Context)
{
    static IO_STATUS_BLOCK Iosb;
    PIRP Irp = IoBuildDeviceIoControlRequest(0x222000, Context, NULL, 0, NULL, 0, FALSE, NULL, &Iosb);

    IoCallDriver(Context, Irp);
}

TEST(ThreadExitCancelsTheRequestsOfTheThread)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, PendCancelable);
    TEST_THREAD Thread;

    RtlZeroMemory(&Cancelled, sizeof(Cancelled));
    TestStartThread(&Thread, LeaveRequestBehind, Bottom);
    TestJoinThread(&Thread);
    EXPECT_EQ(Cancelled.Calls, 1);
    TestPop(Bottom);
}

static VOID NTAPI LeaveTwoRequestsBehind(PVOID Context)
{
    LeaveRequestBehind(Context);
    LeaveRequestBehind(Context);
}

TEST(ThreadExitCancelsEveryRequestOfTheThread)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, PendCancelable);
    TEST_THREAD Thread;

    RtlZeroMemory(&Cancelled, sizeof(Cancelled));
    TestStartThread(&Thread, LeaveTwoRequestsBehind, Bottom);
    TestJoinThread(&Thread);
    EXPECT_EQ(Cancelled.Calls, 2);
    TestPop(Bottom);
}
