/*
 * Completion, first stage: which completion routines run, in what order, and what they find in the
 * request.
 */
#include "../stack.h"

typedef struct _THREE
{
    PDEVICE_OBJECT Bottom, Middle, Top;
} THREE;

static VOID Build(THREE *Stack, TEST_BEHAVIOUR *Bottom, TEST_BEHAVIOUR *Middle, TEST_BEHAVIOUR *Top)
{
    Stack->Bottom = TestPush(NULL, Bottom);
    Stack->Middle = TestPush(Stack->Bottom, Middle);
    Stack->Top = TestPush(Stack->Middle, Top);
}

static VOID Unbuild(THREE *Stack)
{
    TestPop(Stack->Top);
    TestPop(Stack->Middle);
    TestPop(Stack->Bottom);
}

TEST(RequestVisitsEveryLayerInItsOwnLocation)
{
    THREE Stack;
    TEST_REQUEST Request;

    Build(&Stack, LayerComplete, LayerCopy, LayerCopy);
    TestPrepare(&Request, Stack.Top);
    TestSend(&Request, Stack.Top);
    EXPECT_EQ(TestLayer(Stack.Top)->Dispatched, 1);
    EXPECT_EQ(TestLayer(Stack.Middle)->Dispatched, 1);
    EXPECT_EQ(TestLayer(Stack.Bottom)->Dispatched, 1);
    EXPECT_EQ(TestLayer(Stack.Bottom)->MajorFunction, IRP_MJ_DEVICE_CONTROL);
    EXPECT_EQ(Request.CallStatus, STATUS_SUCCESS);
    TestFinish(&Request);
    Unbuild(&Stack);
}

TEST(CompletionRoutinesRunFromTheLowestUpward)
{
    THREE Stack;
    TEST_REQUEST Request;

    Build(&Stack, LayerComplete, LayerWatch, LayerWatch);
    TestPrepare(&Request, Stack.Top);
    TestSend(&Request, Stack.Top);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Stack.Middle)->Order, 1);
    EXPECT_EQ(TestLayer(Stack.Top)->Order, 2);
    EXPECT_EQ(Request.Order, 3);
    Unbuild(&Stack);
}

TEST(CompletionRoutineReceivesTheDeviceThatSetIt)
{
    THREE Stack;
    TEST_REQUEST Request;

    Build(&Stack, LayerComplete, LayerWatch, LayerWatch);
    TestPrepare(&Request, Stack.Top);
    TestSend(&Request, Stack.Top);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Stack.Middle)->RoutineDevice, Stack.Middle);
    EXPECT_EQ(TestLayer(Stack.Top)->RoutineDevice, Stack.Top);
    Unbuild(&Stack);
}

TEST(CreatorWithoutALocationOfItsOwnReceivesNoDevice)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    TEST_REQUEST Request;

    TestPrepare(&Request, Bottom);
    TestSend(&Request, Bottom);
    TestFinish(&Request);
    EXPECT_EQ(Request.RoutineDevice, 0);
    TestPop(Bottom);
}

TEST(SkippingPassesTheSameLocationDown)
{
    THREE Stack;
    TEST_REQUEST Request;

    Build(&Stack, LayerComplete, LayerSkip, LayerSkip);
    TestPrepare(&Request, Stack.Top);
    TestSend(&Request, Stack.Top);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Stack.Bottom)->Dispatched, 1);
    EXPECT_EQ(Request.Completed, 1);
    Unbuild(&Stack);
}

static VOID ExpectInvocation(BOOLEAN OnSuccess, BOOLEAN OnError, BOOLEAN OnCancel, NTSTATUS Status,
                             BOOLEAN Cancelled, LONG Expected, ULONG Line)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    TEST_REQUEST Request;

    TestLayer(Bottom)->Status = Status;
    TestLayer(Top)->InvokeOnSuccess = OnSuccess;
    TestLayer(Top)->InvokeOnError = OnError;
    TestLayer(Top)->InvokeOnCancel = OnCancel;
    TestPrepare(&Request, Top);
    Request.Irp->Cancel = Cancelled;
    TestSend(&Request, Top);
    TestFinish(&Request);
    TestExpectEqual((ULONG64)TestLayer(Top)->Completed, (ULONG64)Expected, "Completed", __FILE__, Line);
    TestPop(Top);
    TestPop(Bottom);
}
#define EXPECT_INVOCATION(success, error, cancel, status, cancelled, expected)                     \
    ExpectInvocation(success, error, cancel, status, cancelled, expected, __LINE__)

TEST(InvokeOnSuccessMeansSuccessStatus)
{
    EXPECT_INVOCATION(TRUE, FALSE, FALSE, STATUS_SUCCESS, FALSE, 1);
    EXPECT_INVOCATION(TRUE, FALSE, FALSE, STATUS_UNSUCCESSFUL, FALSE, 0);
}

TEST(InvokeOnErrorMeansErrorStatus)
{
    EXPECT_INVOCATION(FALSE, TRUE, FALSE, STATUS_UNSUCCESSFUL, FALSE, 1);
    EXPECT_INVOCATION(FALSE, TRUE, FALSE, STATUS_SUCCESS, FALSE, 0);
    EXPECT_INVOCATION(FALSE, TRUE, FALSE, STATUS_BUFFER_OVERFLOW, FALSE, 1); /* a warning is no success */
    EXPECT_INVOCATION(TRUE, FALSE, FALSE, STATUS_BUFFER_OVERFLOW, FALSE, 0);
}

TEST(InvokeOnCancelMeansTheCancelBit)
{
    EXPECT_INVOCATION(FALSE, FALSE, TRUE, STATUS_CANCELLED, TRUE, 1);
    EXPECT_INVOCATION(FALSE, FALSE, TRUE, STATUS_SUCCESS, TRUE, 1);
    EXPECT_INVOCATION(FALSE, FALSE, TRUE, STATUS_CANCELLED, FALSE, 0);
}

TEST(PendingBitOfALocationBecomesPendingReturned)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerPend);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    TEST_REQUEST Request;

    TestLayer(Top)->Remark = TRUE;
    TestPrepare(&Request, Top);
    TestSend(&Request, Top);
    EXPECT_EQ(Request.CallStatus, STATUS_PENDING);
    TestCompleteHeld(Bottom, STATUS_SUCCESS);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Top)->PendingReturned, TRUE);
    EXPECT_EQ(Request.PendingReturned, TRUE);
    TestPop(Top);
    TestPop(Bottom);
}

TEST(SynchronousCompletionLeavesPendingReturnedClear)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    TEST_REQUEST Request;

    TestPrepare(&Request, Top);
    TestSend(&Request, Top);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Top)->PendingReturned, FALSE);
    EXPECT_EQ(Request.PendingReturned, FALSE);
    TestPop(Top);
    TestPop(Bottom);
}

TEST(RoutineThatDoesNotMarkAgainHidesThePendingBit)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerPend);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    TEST_REQUEST Request;

    TestPrepare(&Request, Top);
    TestSend(&Request, Top);
    TestCompleteHeld(Bottom, STATUS_SUCCESS);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Top)->PendingReturned, TRUE);
    EXPECT_EQ(Request.PendingReturned, FALSE);
    TestPop(Top);
    TestPop(Bottom);
}

TEST(LocationWithoutARoutinePropagatesThePendingBit)
{
    THREE Stack;
    TEST_REQUEST Request;

    Build(&Stack, LayerPend, LayerCopy, LayerWatch);
    TestPrepare(&Request, Stack.Top);
    TestSend(&Request, Stack.Top);
    TestCompleteHeld(Stack.Bottom, STATUS_SUCCESS);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Stack.Top)->PendingReturned, TRUE);
    Unbuild(&Stack);
}

TEST(RoutineThatIsNotInvokedPropagatesThePendingBit)
{
    THREE Stack;
    TEST_REQUEST Request;

    Build(&Stack, LayerPend, LayerWatch, LayerWatch);
    TestLayer(Stack.Middle)->InvokeOnSuccess = FALSE;
    TestLayer(Stack.Middle)->InvokeOnCancel = FALSE;
    TestPrepare(&Request, Stack.Top);
    TestSend(&Request, Stack.Top);
    TestCompleteHeld(Stack.Bottom, STATUS_SUCCESS);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Stack.Middle)->Completed, 0);
    EXPECT_EQ(TestLayer(Stack.Top)->PendingReturned, TRUE);
    Unbuild(&Stack);
}

TEST(MoreProcessingStopsCompletionAndASecondCallResumesAbove)
{
    THREE Stack;
    TEST_REQUEST Request;

    Build(&Stack, LayerComplete, LayerWatch, LayerWatch);
    TestLayer(Stack.Middle)->Stop = TRUE;
    TestPrepare(&Request, Stack.Top);
    TestSend(&Request, Stack.Top);
    EXPECT_EQ(TestLayer(Stack.Middle)->Completed, 1);
    EXPECT_EQ(TestLayer(Stack.Top)->Completed, 0);
    EXPECT_EQ(Request.Completed, 0);
    TestCompleteHeld(Stack.Middle, STATUS_SUCCESS);
    EXPECT_EQ(TestLayer(Stack.Middle)->Completed, 1);
    EXPECT_EQ(TestLayer(Stack.Top)->Completed, 1);
    TestFinish(&Request);
    Unbuild(&Stack);
}

TEST(StatusAndInformationReachTheRoutinesAbove)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    TEST_REQUEST Request;

    TestLayer(Bottom)->Status = STATUS_NO_SUCH_DEVICE;
    TestLayer(Bottom)->Information = 77;
    TestPrepare(&Request, Top);
    TestSend(&Request, Top);
    TestWait(&Request.Done);
    EXPECT_EQ(Request.CallStatus, STATUS_NO_SUCH_DEVICE);
    EXPECT_EQ(TestLayer(Top)->RoutineStatus, STATUS_NO_SUCH_DEVICE);
    EXPECT_EQ(Request.Irp->IoStatus.Status, STATUS_NO_SUCH_DEVICE);
    EXPECT_EQ(Request.Irp->IoStatus.Information, 77);
    TestFinish(&Request);
    TestPop(Top);
    TestPop(Bottom);
}

TEST(LocationBelowIsClearedBeforeARoutineRuns)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerPend);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    TEST_REQUEST Request;

    TestPrepare(&Request, Top);
    TestSend(&Request, Top);
    TestCompleteHeld(Bottom, STATUS_SUCCESS);
    TestFinish(&Request);
    EXPECT_EQ(TestLayer(Top)->NextControl, 0);
    EXPECT_EQ(TestLayer(Top)->NextRoutine, 0);
    TestPop(Top);
    TestPop(Bottom);
}

TEST(CurrentLocationIsAboveTheTopWhenTheCreatorGetsTheRequestBack)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    TEST_REQUEST Request;

    TestPrepare(&Request, Bottom);
    TestSend(&Request, Bottom);
    TestWait(&Request.Done);
    EXPECT_EQ(Request.Irp->CurrentLocation, Request.Irp->StackCount + 1);
    TestFinish(&Request);
    TestPop(Bottom);
}

static NTSTATUS NTAPI ExRoutine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PTEST_LAYER Layer = Context;

    Layer->RoutineDevice = DeviceObject;
    Layer->Completed++;
    if (Irp->PendingReturned)
    {
        IoMarkIrpPending(Irp);
    }
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS WatchEx(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_LAYER Layer = TestLayer(DeviceObject);

    IoCopyCurrentIrpStackLocationToNext(Irp);
    EXPECT_EQ(IoSetCompletionRoutineEx(DeviceObject, Irp, ExRoutine, Layer, TRUE, TRUE, TRUE),
              STATUS_SUCCESS);
    return IoCallDriver(Layer->Next, Irp);
}

TEST(UnloadSafeCompletionRoutineReceivesItsOwnContext)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerPend);
    PDEVICE_OBJECT Top = TestPush(Bottom, WatchEx);
    TEST_REQUEST Request;

    TestPrepare(&Request, Top);
    TestSend(&Request, Top);
    TestCompleteHeld(Bottom, STATUS_SUCCESS);
    TestWait(&Request.Done);
    EXPECT_EQ(TestLayer(Top)->Completed, 1);
    EXPECT_EQ(TestLayer(Top)->RoutineDevice, Top);
    EXPECT_EQ(Request.PendingReturned, TRUE);
    TestFinish(&Request);
    TestPop(Top);
    TestPop(Bottom);
}
