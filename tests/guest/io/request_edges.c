/*
 * Requests where a small mistake of the kernel would not show: statuses between success and error,
 * and requests that their thread leaves behind.
 */
#include "../stack.h"

static LONG CompletedForWarning(BOOLEAN OnSuccess, BOOLEAN OnError)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    TEST_REQUEST Request;
    LONG Completed;

    TestLayer(Bottom)->Status = STATUS_BUFFER_OVERFLOW;
    TestLayer(Top)->InvokeOnSuccess = OnSuccess;
    TestLayer(Top)->InvokeOnError = OnError;
    TestPrepare(&Request, Top);
    TestSend(&Request, Top);
    Completed = TestLayer(Top)->Completed;
    TestFinish(&Request);
    TestPop(Top);
    TestPop(Bottom);
    return Completed;
}

TEST(WarningInvokesRoutinesForErrors)
{
    EXPECT_EQ(CompletedForWarning(FALSE, TRUE), 1);
}

TEST(WarningDoesNotInvokeRoutinesForSuccess)
{
    EXPECT_EQ(CompletedForWarning(TRUE, FALSE), 0);
}

static volatile LONG CancelCalls;

static VOID NTAPI CountCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    InterlockedIncrement(&CancelCalls);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS PendCancelable(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, CountCancel);
    return STATUS_PENDING;
}

static IO_STATUS_BLOCK LeftIosb[2];
static UCHAR LeftByte;

static VOID NTAPI LeaveTwoBehind(PVOID Context)
{
    ULONG Index;

    for (Index = 0; Index < 2; Index++)
    {
        IoCallDriver(Context, IoBuildDeviceIoControlRequest(0x222000, Context, NULL, 0, NULL, 0,
                                                            FALSE, NULL, &LeftIosb[Index]));
    }
}

TEST(ThreadExitCancelsEveryRequestOfTheThread)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, PendCancelable);
    TEST_THREAD Thread;

    CancelCalls = 0;
    TestStartThread(&Thread, LeaveTwoBehind, Bottom);
    TestJoinThread(&Thread);
    EXPECT_EQ(CancelCalls, 2);
    TestPop(Bottom);
}

static VOID NTAPI LeaveAWriteBehind(PVOID Context)
{
    IoCallDriver(Context, IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, Context, &LeftByte,
                                                       sizeof(LeftByte), NULL, NULL, &LeftIosb[0]));
}

TEST(ThreadExitCancelsASynchronousWrite)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, PendCancelable);
    TEST_THREAD Thread;

    CancelCalls = 0;
    TestStartThread(&Thread, LeaveAWriteBehind, Bottom);
    TestJoinThread(&Thread);
    EXPECT_EQ(CancelCalls, 1);
    if (CancelCalls == 1)
    {
        TestPop(Bottom);
    }
}
