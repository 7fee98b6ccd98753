/*
 * Where an object is deleted when its last reference goes. A driver sees it with a file object of
 * its own device: deleting that sends IRP_MJ_CLOSE.
 */
#include "../test.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\DeferredDelete");

static KEVENT Closed;
static volatile LONG Closes;
static KIRQL CloseIrql;
static PKTHREAD CloseThread;

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CLOSE)
    {
        CloseIrql = KeGetCurrentIrql();
        CloseThread = KeGetCurrentThread();
        InterlockedIncrement(&Closes);
        KeSetEvent(&Closed, IO_NO_INCREMENT, FALSE);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* A file object with one reference, and no handle. */
static PFILE_OBJECT OpenWithoutHandle(PDEVICE_OBJECT *DeviceObject)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    PFILE_OBJECT File = NULL;
    HANDLE Handle;

    TestDriver->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    TestDriver->MajorFunction[IRP_MJ_CLEANUP] = Dispatch;
    TestDriver->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    KeInitializeEvent(&Closed, NotificationEvent, FALSE);
    Closes = 0;
    EXPECT_EQ(IoCreateDevice(TestDriver, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, DeviceObject),
              STATUS_SUCCESS);
    (*DeviceObject)->Flags &= ~DO_DEVICE_INITIALIZING;
    InitializeObjectAttributes(&Attributes, &DeviceName, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQ(ZwCreateFile(&Handle, GENERIC_READ, &Attributes, &IoStatus, NULL, 0, 0, FILE_OPEN, 0,
                           NULL, 0),
              STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&File, NULL),
              STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT_EQ(Closes, 0);
    return File;
}

TEST(LastDereferenceAtPassiveLevelDeletesBeforeItReturns)
{
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT File = OpenWithoutHandle(&DeviceObject);

    ObDereferenceObject(File);
    EXPECT_EQ(Closes, 1);
    EXPECT_EQ(CloseIrql, PASSIVE_LEVEL);
    EXPECT(CloseThread == KeGetCurrentThread());
    IoDeleteDevice(DeviceObject);
}

static VOID ExpectDeletionByWorker(PDEVICE_OBJECT DeviceObject)
{
    TestWait(&Closed);
    EXPECT_EQ(Closes, 1);
    EXPECT_EQ(CloseIrql, PASSIVE_LEVEL);
    EXPECT(CloseThread != KeGetCurrentThread());
    IoDeleteDevice(DeviceObject);
}

TEST(LastDereferenceAtDispatchLevelDeletesInAWorkerThreadAtPassiveLevel)
{
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT File = OpenWithoutHandle(&DeviceObject);
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ObDereferenceObject(File);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(Irql);
    ExpectDeletionByWorker(DeviceObject);
}

TEST(LastDereferenceAtApcLevelDeletesInAWorkerThreadAtPassiveLevel)
{
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT File = OpenWithoutHandle(&DeviceObject);
    KIRQL Irql;

    KeRaiseIrql(APC_LEVEL, &Irql);
    ObDereferenceObject(File);
    KeLowerIrql(Irql);
    ExpectDeletionByWorker(DeviceObject);
}

TEST(DeferDeleteDeletesInAWorkerThreadEvenAtPassiveLevel)
{
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT File = OpenWithoutHandle(&DeviceObject);

    ObDereferenceObjectDeferDelete(File);
    ExpectDeletionByWorker(DeviceObject);
}

TEST(DeferDeleteOfAReferenceThatIsNotTheLastDeletesNothing)
{
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT File = OpenWithoutHandle(&DeviceObject);

    ObReferenceObject(File);
    ObDereferenceObjectDeferDelete(File);
    TestSleep(10);
    EXPECT_EQ(Closes, 0);
    ObDereferenceObject(File);
    EXPECT_EQ(Closes, 1);
    IoDeleteDevice(DeviceObject);
}
