/*
 * Completion, second stage: threaded requests, which a special kernel APC of the requesting thread
 * finishes.
 */
#include "../stack.h"

#define BUFFERED_CODE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _SENT
{
    KEVENT Event;
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;
} SENT;

#define UNTOUCHED ((NTSTATUS)0x0badf00d)

static VOID Send(SENT *Sent, PDEVICE_OBJECT Target, PVOID Output, ULONG OutputSize)
{
    PIRP Irp;

    KeInitializeEvent(&Sent->Event, NotificationEvent, FALSE);
    Sent->Iosb.Status = UNTOUCHED;
    Sent->Iosb.Information = 0;
    Irp = IoBuildDeviceIoControlRequest(BUFFERED_CODE, Target, Output, OutputSize, Output, OutputSize,
                                        FALSE, &Sent->Event, &Sent->Iosb);
    EXPECT(Irp != NULL);
    Sent->Status = IoCallDriver(Target, Irp);
}

TEST(SynchronousSuccessSignalsTheEventAndFillsTheStatusBlock)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    SENT Sent;

    Send(&Sent, Bottom, NULL, 0);
    EXPECT_EQ(Sent.Status, STATUS_SUCCESS);
    EXPECT(KeReadStateEvent(&Sent.Event) != 0);
    EXPECT_EQ(Sent.Iosb.Status, STATUS_SUCCESS);
    TestPop(Bottom);
}

TEST(GuardedRegionDelaysTheSecondStage)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    SENT Sent;

    KeEnterGuardedRegion();
    Send(&Sent, Bottom, NULL, 0);
    EXPECT_EQ(Sent.Status, STATUS_SUCCESS);
    EXPECT_EQ(KeReadStateEvent(&Sent.Event), 0);
    EXPECT_EQ(Sent.Iosb.Status, UNTOUCHED);
    KeLeaveGuardedRegion();
    EXPECT(KeReadStateEvent(&Sent.Event) != 0);
    EXPECT_EQ(Sent.Iosb.Status, STATUS_SUCCESS);
    TestPop(Bottom);
}

TEST(ApcLevelDelaysTheSecondStage)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    SENT Sent;
    KIRQL Irql;

    KeRaiseIrql(APC_LEVEL, &Irql);
    Send(&Sent, Bottom, NULL, 0);
    EXPECT_EQ(KeReadStateEvent(&Sent.Event), 0);
    EXPECT_EQ(Sent.Iosb.Status, UNTOUCHED);
    KeLowerIrql(Irql);
    EXPECT(KeReadStateEvent(&Sent.Event) != 0);
    EXPECT_EQ(Sent.Iosb.Status, STATUS_SUCCESS);
    TestPop(Bottom);
}

TEST(CriticalRegionDoesNotDelayTheSecondStage)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    SENT Sent;

    KeEnterCriticalRegion();
    Send(&Sent, Bottom, NULL, 0);
    EXPECT(KeReadStateEvent(&Sent.Event) != 0);
    EXPECT_EQ(Sent.Iosb.Status, STATUS_SUCCESS);
    KeLeaveCriticalRegion();
    TestPop(Bottom);
}

TEST(SynchronousErrorTouchesNeitherEventNorStatusBlock)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    SENT Sent;

    TestLayer(Bottom)->Status = STATUS_UNSUCCESSFUL;
    Send(&Sent, Bottom, NULL, 0);
    EXPECT_EQ(Sent.Status, STATUS_UNSUCCESSFUL);
    EXPECT_EQ(KeReadStateEvent(&Sent.Event), 0);
    EXPECT_EQ(Sent.Iosb.Status, UNTOUCHED);
    TestPop(Bottom);
}

TEST(PendingRequestIsFinishedWhenItCompletes)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerPend);
    SENT Sent;

    Send(&Sent, Bottom, NULL, 0);
    EXPECT_EQ(Sent.Status, STATUS_PENDING);
    EXPECT_EQ(KeReadStateEvent(&Sent.Event), 0);
    TestCompleteHeld(Bottom, STATUS_SUCCESS);
    EXPECT_EQ(TestWait(&Sent.Event), STATUS_SUCCESS);
    EXPECT_EQ(Sent.Iosb.Status, STATUS_SUCCESS);
    TestPop(Bottom);
}

TEST(PendingErrorIsReportedToo)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerPend);
    SENT Sent;

    Send(&Sent, Bottom, NULL, 0);
    EXPECT_EQ(Sent.Status, STATUS_PENDING);
    TestCompleteHeld(Bottom, STATUS_UNSUCCESSFUL);
    EXPECT_EQ(TestWait(&Sent.Event), STATUS_SUCCESS);
    EXPECT_EQ(Sent.Iosb.Status, STATUS_UNSUCCESSFUL);
    TestPop(Bottom);
}

static VOID NTAPI CompleteFromElsewhere(PVOID Context)
{
    TestWait(&TestLayer(Context)->HeldEvent);
    TestCompleteHeld(Context, STATUS_SUCCESS);
}

TEST(CompletionFromAnotherThreadReachesTheRequestor)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerPend);
    TEST_THREAD Thread;
    SENT Sent;

    TestStartThread(&Thread, CompleteFromElsewhere, Bottom);
    Send(&Sent, Bottom, NULL, 0);
    EXPECT_EQ(Sent.Status, STATUS_PENDING);
    EXPECT_EQ(TestWait(&Sent.Event), STATUS_SUCCESS);
    EXPECT_EQ(Sent.Iosb.Status, STATUS_SUCCESS);
    TestJoinThread(&Thread);
    TestPop(Bottom);
}

static NTSTATUS FillBuffer(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUCHAR Buffer = Irp->AssociatedIrp.SystemBuffer;

    UNREFERENCED_PARAMETER(DeviceObject);
    Buffer[0] = (UCHAR)(Buffer[0] + 1);
    Buffer[1] = 2;
    Buffer[2] = 3;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 2;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

TEST(BufferedOutputIsCopiedAsFarAsInformationSays)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, FillBuffer);
    UCHAR Buffer[4] = {0x10, 0, 0, 0};
    SENT Sent;

    Send(&Sent, Bottom, Buffer, sizeof(Buffer));
    EXPECT_EQ(Sent.Status, STATUS_SUCCESS);
    EXPECT_EQ(Sent.Iosb.Information, 2);
    EXPECT_EQ(Buffer[0], 0x11);
    EXPECT_EQ(Buffer[1], 2);
    EXPECT_EQ(Buffer[2], 0);
    TestPop(Bottom);
}

TEST(StoppedThreadedRequestIsFinishedByTheSecondCompletion)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerWatch);
    SENT Sent;

    TestLayer(Top)->Stop = TRUE;
    Send(&Sent, Top, NULL, 0);
    EXPECT_EQ(KeReadStateEvent(&Sent.Event), 0);
    TestCompleteHeld(Top, STATUS_SUCCESS);
    EXPECT(KeReadStateEvent(&Sent.Event) != 0);
    TestPop(Top);
    TestPop(Bottom);
}

/* Looks at the request from below. */
typedef struct _SEEN
{
    KPROCESSOR_MODE Mode;
    PETHREAD Thread;
    ULONG Flags;
    UCHAR Major;
    ULONG Length;
    LONGLONG Offset;
    PVOID SystemBuffer, UserBuffer;
    PMDL Mdl;
    UCHAR FirstByte;
} SEEN;

static SEEN Seen;

static NTSTATUS LookAndComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    Seen.Mode = Irp->RequestorMode;
    Seen.Thread = Irp->Tail.Overlay.Thread;
    Seen.Flags = Irp->Flags;
    Seen.Major = Location->MajorFunction;
    Seen.Length = Location->Parameters.Write.Length;
    Seen.Offset = Location->Parameters.Write.ByteOffset.QuadPart;
    Seen.SystemBuffer = Irp->AssociatedIrp.SystemBuffer;
    Seen.UserBuffer = Irp->UserBuffer;
    Seen.Mdl = Irp->MdlAddress;
    if (Seen.SystemBuffer != NULL)
    {
        Seen.FirstByte = *(PUCHAR)Seen.SystemBuffer;
    }
    TestLayer(DeviceObject)->Information = Seen.Length;
    return LayerComplete(DeviceObject, Irp);
}

TEST(ThreadedRequestBelongsToItsThreadInKernelMode)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LookAndComplete);
    SENT Sent;

    Send(&Sent, Bottom, NULL, 0);
    EXPECT_EQ(Seen.Mode, KernelMode);
    EXPECT_EQ(Seen.Thread, PsGetCurrentThread());
    EXPECT_EQ(Seen.Major, IRP_MJ_DEVICE_CONTROL);
    TestPop(Bottom);
}

static VOID Write(PDEVICE_OBJECT Target, PVOID Buffer, ULONG Length)
{
    LARGE_INTEGER Offset;
    SENT Sent;
    PIRP Irp;

    Offset.QuadPart = 0x1000;
    KeInitializeEvent(&Sent.Event, NotificationEvent, FALSE);
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, Target, Buffer, Length, &Offset, &Sent.Event,
                                       &Sent.Iosb);
    EXPECT(Irp != NULL);
    EXPECT_EQ(IoCallDriver(Target, Irp), STATUS_SUCCESS);
    TestWait(&Sent.Event);
    EXPECT_EQ(Sent.Iosb.Information, Length);
}

TEST(WriteToABufferedDeviceUsesASystemBuffer)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LookAndComplete);
    UCHAR Buffer[16] = {0x77};

    Write(Bottom, Buffer, sizeof(Buffer));
    EXPECT_EQ(Seen.Major, IRP_MJ_WRITE);
    EXPECT_EQ(Seen.Length, sizeof(Buffer));
    EXPECT_EQ(Seen.Offset, 0x1000);
    EXPECT(Seen.SystemBuffer != NULL && Seen.SystemBuffer != Buffer);
    EXPECT_EQ(Seen.FirstByte, 0x77);
    TestPop(Bottom);
}

TEST(WriteToADirectDeviceUsesAnMdl)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LookAndComplete);
    UCHAR Buffer[16] = {0x77};

    Bottom->Flags &= ~DO_BUFFERED_IO;
    Bottom->Flags |= DO_DIRECT_IO;
    Write(Bottom, Buffer, sizeof(Buffer));
    EXPECT(Seen.Mdl != NULL);
    EXPECT_EQ(Seen.SystemBuffer, 0);
    TestPop(Bottom);
}

TEST(WriteToADeviceOfNeitherKindUsesTheCallersAddress)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LookAndComplete);
    UCHAR Buffer[16] = {0x77};

    Bottom->Flags &= ~DO_BUFFERED_IO;
    Write(Bottom, Buffer, sizeof(Buffer));
    EXPECT_EQ(Seen.UserBuffer, Buffer);
    EXPECT_EQ(Seen.Mdl, 0);
    TestPop(Bottom);
}
