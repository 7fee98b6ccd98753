/*
 * The device stack of stack.h.
 */
#include "stack.h"

LONG TestStackSequence;

PTEST_LAYER TestLayer(PDEVICE_OBJECT DeviceObject)
{
    return DeviceObject->DeviceExtension;
}

static NTSTATUS NTAPI StackDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_LAYER Layer = TestLayer(DeviceObject);

    InterlockedIncrement(&Layer->Dispatched);
    Layer->MajorFunction = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
    return Layer->Behaviour(DeviceObject, Irp);
}

PDEVICE_OBJECT TestPush(PDEVICE_OBJECT Below, TEST_BEHAVIOUR *Behaviour)
{
    PDEVICE_OBJECT DeviceObject;
    PTEST_LAYER Layer;
    ULONG Major;

    for (Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
    {
        TestDriver->MajorFunction[Major] = StackDispatch;
    }
    EXPECT_EQ(IoCreateDevice(TestDriver, sizeof(TEST_LAYER), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                             &DeviceObject),
              STATUS_SUCCESS);
    Layer = TestLayer(DeviceObject);
    RtlZeroMemory(Layer, sizeof(*Layer));
    Layer->Behaviour = Behaviour;
    Layer->InvokeOnSuccess = Layer->InvokeOnError = Layer->InvokeOnCancel = TRUE;
    KeInitializeEvent(&Layer->HeldEvent, SynchronizationEvent, FALSE);
    if (Below != NULL)
    {
        Layer->Next = IoAttachDeviceToDeviceStack(DeviceObject, Below);
        EXPECT_EQ(Layer->Next, Below);
    }
    DeviceObject->Flags |= DO_BUFFERED_IO;
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return DeviceObject;
}

VOID TestPop(PDEVICE_OBJECT DeviceObject)
{
    if (TestLayer(DeviceObject)->Next != NULL)
    {
        IoDetachDevice(TestLayer(DeviceObject)->Next);
    }
    IoDeleteDevice(DeviceObject);
}

NTSTATUS LayerComplete(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = TestLayer(DeviceObject)->Status;

    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = TestLayer(DeviceObject)->Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS LayerPend(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_LAYER Layer = TestLayer(DeviceObject);

    IoMarkIrpPending(Irp);
    Layer->Held = Irp;
    KeSetEvent(&Layer->HeldEvent, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
}

VOID TestCompleteHeld(PDEVICE_OBJECT DeviceObject, NTSTATUS Status)
{
    PTEST_LAYER Layer = TestLayer(DeviceObject);
    PIRP Irp = Layer->Held;

    Layer->Held = NULL;
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Layer->Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

NTSTATUS LayerSkip(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(TestLayer(DeviceObject)->Next, Irp);
}

NTSTATUS LayerCopy(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    return IoCallDriver(TestLayer(DeviceObject)->Next, Irp);
}

static NTSTATUS NTAPI WatchRoutine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PTEST_LAYER Layer = Context;
    PIO_STACK_LOCATION Below = IoGetNextIrpStackLocation(Irp);

    Layer->Order = InterlockedIncrement(&TestStackSequence);
    Layer->RoutineDevice = DeviceObject;
    Layer->PendingReturned = Irp->PendingReturned;
    Layer->RoutineStatus = Irp->IoStatus.Status;
    Layer->NextControl = Below->Control;
    Layer->NextRoutine = (PVOID)(ULONG_PTR)Below->CompletionRoutine;
    InterlockedIncrement(&Layer->Completed);
    if (Layer->Stop)
    {
        Layer->Held = Irp;
        KeSetEvent(&Layer->HeldEvent, IO_NO_INCREMENT, FALSE);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    if (Irp->PendingReturned && Layer->Remark)
    {
        IoMarkIrpPending(Irp);
    }
    return STATUS_CONTINUE_COMPLETION;
}

NTSTATUS LayerWatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_LAYER Layer = TestLayer(DeviceObject);

    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, WatchRoutine, Layer, Layer->InvokeOnSuccess, Layer->InvokeOnError,
                           Layer->InvokeOnCancel);
    return IoCallDriver(Layer->Next, Irp);
}

static NTSTATUS NTAPI RequestRoutine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PTEST_REQUEST Request = Context;

    Request->Order = InterlockedIncrement(&TestStackSequence);
    Request->RoutineDevice = DeviceObject;
    Request->PendingReturned = Irp->PendingReturned;
    InterlockedIncrement(&Request->Completed);
    KeSetEvent(&Request->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

VOID TestPrepare(PTEST_REQUEST Request, PDEVICE_OBJECT Target)
{
    PIO_STACK_LOCATION Location;

    RtlZeroMemory(Request, sizeof(*Request));
    TestStackSequence = 0;
    KeInitializeEvent(&Request->Done, NotificationEvent, FALSE);
    Request->Irp = IoAllocateIrp(Target->StackSize, FALSE);
    EXPECT(Request->Irp != NULL);
    Request->Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    Location = IoGetNextIrpStackLocation(Request->Irp);
    Location->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    IoSetCompletionRoutine(Request->Irp, RequestRoutine, Request, TRUE, TRUE, TRUE);
}

VOID TestSend(PTEST_REQUEST Request, PDEVICE_OBJECT Target)
{
    Request->CallStatus = IoCallDriver(Target, Request->Irp);
}

VOID TestFinish(PTEST_REQUEST Request)
{
    TestWait(&Request->Done);
    IoFreeIrp(Request->Irp);
}
