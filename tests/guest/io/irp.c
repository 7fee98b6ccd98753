/*
 * Building requests by hand.
 */
#include "../stack.h"

TEST(AllocatedRequestStandsAboveItsTopLocation)
{
    PIRP Irp = IoAllocateIrp(3, FALSE);

    EXPECT(Irp != NULL);
    EXPECT_EQ(Irp->Type, IO_TYPE_IRP);
    EXPECT_EQ(Irp->Size, IoSizeOfIrp(3));
    EXPECT_EQ(Irp->StackCount, 3);
    EXPECT_EQ(Irp->CurrentLocation, 4);
    EXPECT_EQ(Irp->Tail.Overlay.CurrentStackLocation, (PIO_STACK_LOCATION)(Irp + 1) + 3);
    EXPECT_EQ(Irp->Cancel, FALSE);
    EXPECT_EQ(Irp->PendingReturned, FALSE);
    EXPECT_EQ(Irp->MdlAddress, 0);
    IoFreeIrp(Irp);
}

TEST(NextLocationIsTheFirstReceiversLocation)
{
    PIRP Irp = IoAllocateIrp(2, FALSE);
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);

    EXPECT_EQ(Next, (PIO_STACK_LOCATION)(Irp + 1) + 1);
    EXPECT_EQ(Next->MajorFunction, 0);
    IoSetNextIrpStackLocation(Irp);
    EXPECT_EQ(IoGetCurrentIrpStackLocation(Irp), Next);
    EXPECT_EQ(Irp->CurrentLocation, 2);
    IoFreeIrp(Irp);
}

TEST(InitializeMakesAnyMemoryARequest)
{
    USHORT Size = IoSizeOfIrp(2);
    PIRP Irp = TestAllocate(Size);

    RtlFillMemory(Irp, Size, 0xcc);
    IoInitializeIrp(Irp, Size, 2);
    EXPECT_EQ(Irp->Type, IO_TYPE_IRP);
    EXPECT_EQ(Irp->Size, Size);
    EXPECT_EQ(Irp->StackCount, 2);
    EXPECT_EQ(Irp->CurrentLocation, 3);
    EXPECT_EQ(Irp->IoStatus.Status, 0);
    EXPECT(IsListEmpty(&Irp->ThreadListEntry));
    TestFree(Irp);
}

TEST(ReusedRequestIsFreshButForItsStatus)
{
    PIRP Irp = IoAllocateIrp(2, FALSE);

    IoSetNextIrpStackLocation(Irp);
    Irp->Cancel = TRUE;
    Irp->PendingReturned = TRUE;
    IoReuseIrp(Irp, STATUS_TIMEOUT);
    EXPECT_EQ(Irp->CurrentLocation, 3);
    EXPECT_EQ(Irp->IoStatus.Status, STATUS_TIMEOUT);
    EXPECT_EQ(Irp->Cancel, FALSE);
    EXPECT_EQ(Irp->PendingReturned, FALSE);
    IoFreeIrp(Irp);
}

TEST(ReusedRequestMayBeSentAgain)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    TEST_REQUEST Request;
    PIRP Irp;

    TestPrepare(&Request, Bottom);
    TestSend(&Request, Bottom);
    TestWait(&Request.Done);
    Irp = Request.Irp;
    IoReuseIrp(Irp, STATUS_NOT_SUPPORTED);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    EXPECT_EQ(IoGetNextIrpStackLocation(Irp)->MajorFunction, IRP_MJ_FLUSH_BUFFERS);
    TestFinish(&Request);
    TestPop(Bottom);
}

static NTSTATUS NTAPI FreeAsynchronous(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoFreeIrp(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

TEST(AsynchronousRequestIsNotThreadedAndFreedByItsCompletionRoutine)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    IO_STATUS_BLOCK Iosb;
    LARGE_INTEGER Offset = {{0, 0}};
    KEVENT Done;
    PIRP Irp;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Bottom, NULL, 0, &Offset, &Iosb);
    EXPECT(Irp != NULL);
    EXPECT_EQ(Irp->Tail.Overlay.Thread, PsGetCurrentThread());
    EXPECT(IsListEmpty(&Irp->ThreadListEntry));
    IoSetCompletionRoutine(Irp, FreeAsynchronous, &Done, TRUE, TRUE, TRUE);
    EXPECT_EQ(IoCallDriver(Bottom, Irp), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Done), STATUS_SUCCESS);
    TestPop(Bottom);
}

TEST(ThreadedRequestIsQueuedToItsThread)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    PIRP Irp;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(0x222000, Bottom, NULL, 0, NULL, 0, FALSE, &Event, &Iosb);
    EXPECT(Irp != NULL);
    EXPECT(!IsListEmpty(&Irp->ThreadListEntry));
    EXPECT_EQ(Irp->UserEvent, &Event);
    EXPECT_EQ(Irp->UserIosb, &Iosb);
    EXPECT_EQ(Irp->RequestorMode, KernelMode);
    EXPECT_EQ(IoGetNextIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode, 0x222000);
    IoCallDriver(Bottom, Irp);
    TestWait(&Event);
    TestPop(Bottom);
}

TEST(InternalControlRequestHasItsOwnMajorFunction)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    PIRP Irp;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(0x222003, Bottom, NULL, 0, NULL, 0, TRUE, &Event, &Iosb);
    IoCallDriver(Bottom, Irp);
    TestWait(&Event);
    EXPECT_EQ(TestLayer(Bottom)->MajorFunction, IRP_MJ_INTERNAL_DEVICE_CONTROL);
    TestPop(Bottom);
}

TEST(MdlDescribesItsBuffer)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, 100, TEST_TAG);
    PMDL Mdl = IoAllocateMdl(Buffer, 100, FALSE, FALSE, NULL);

    EXPECT(Mdl != NULL);
    EXPECT_EQ(MmGetMdlByteCount(Mdl), 100);
    EXPECT_EQ(MmGetMdlVirtualAddress(Mdl), Buffer);
    MmBuildMdlForNonPagedPool(Mdl);
    EXPECT_EQ(MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority), Buffer);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Buffer, TEST_TAG);
}

TEST(SynchronousFsdRequestIsQueuedToItsThread)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    PIRP Irp;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Bottom, NULL, 0, NULL, &Event, &Iosb);
    EXPECT(Irp != NULL);
    EXPECT(!IsListEmpty(&Irp->ThreadListEntry));
    EXPECT_EQ(Irp->Tail.Overlay.Thread, PsGetCurrentThread());
    IoCallDriver(Bottom, Irp);
    EXPECT_EQ(TestPoll(&Event), STATUS_SUCCESS);
    TestPop(Bottom);
}
