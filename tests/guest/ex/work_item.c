/*
 * Work items of both kinds.
 */
#include "../test.h"

typedef struct _WORK
{
    WORK_QUEUE_ITEM Item;
    PIO_WORKITEM IoItem;
    KEVENT Done;
    volatile LONG Calls;
    KIRQL Irql;
    ULONG ApcsDisabled;
    PVOID Context;
    PDEVICE_OBJECT Device;
    LONG Requeue;
} WORK, *PWORK;

static VOID RecordWork(PWORK Work)
{
    Work->Irql = KeGetCurrentIrql();
    Work->ApcsDisabled = KeAreApcsDisabled();
    InterlockedIncrement(&Work->Calls);
}

static VOID NTAPI ExRoutine(PVOID Context)
{
    PWORK Work = Context;

    RecordWork(Work);
    if (Work->Calls <= Work->Requeue)
    {
        ExQueueWorkItem(&Work->Item, DelayedWorkQueue);
        return;
    }
    KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
}

TEST(ExWorkItemRunsAtPassiveLevelWithApcsEnabled)
{
    WORK Work;

    RtlZeroMemory(&Work, sizeof(Work));
    KeInitializeEvent(&Work.Done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Work.Item, ExRoutine, &Work);
    ExQueueWorkItem(&Work.Item, DelayedWorkQueue);
    TestWait(&Work.Done);
    EXPECT_EQ(Work.Calls, 1);
    EXPECT_EQ(Work.Irql, PASSIVE_LEVEL);
    EXPECT_EQ(Work.ApcsDisabled, 0);
}

TEST(ExWorkItemMayBeQueuedFromItsOwnRoutine)
{
    WORK Work;

    RtlZeroMemory(&Work, sizeof(Work));
    Work.Requeue = 2;
    KeInitializeEvent(&Work.Done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Work.Item, ExRoutine, &Work);
    ExQueueWorkItem(&Work.Item, CriticalWorkQueue);
    TestWait(&Work.Done);
    EXPECT_EQ(Work.Calls, 3);
}

static VOID NTAPI FreeingRoutine(PVOID Context)
{
    PVOID *Arguments = Context;
    PKEVENT Done = Arguments[1];

    TestFree(Arguments[0]);
    KeSetEvent(Done, IO_NO_INCREMENT, FALSE);
}

TEST(ExWorkItemMayBeFreedByItsRoutine)
{
    PWORK_QUEUE_ITEM Item = TestAllocate(sizeof(*Item));
    KEVENT Done;
    PVOID Arguments[2] = {Item, &Done};

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    ExInitializeWorkItem(Item, FreeingRoutine, Arguments);
    ExQueueWorkItem(Item, DelayedWorkQueue);
    TestWait(&Done);
}

static VOID NTAPI IoRoutine(PDEVICE_OBJECT Device, PVOID Context)
{
    PWORK Work = Context;

    RecordWork(Work);
    Work->Device = Device;
    KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
}

TEST(IoWorkItemReceivesItsDeviceAndContext)
{
    WORK Work;
    PDEVICE_OBJECT Device;

    RtlZeroMemory(&Work, sizeof(Work));
    KeInitializeEvent(&Work.Done, NotificationEvent, FALSE);
    EXPECT_EQ(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device),
              STATUS_SUCCESS);
    Work.IoItem = IoAllocateWorkItem(Device);
    EXPECT(Work.IoItem != NULL);
    IoQueueWorkItem(Work.IoItem, IoRoutine, DelayedWorkQueue, &Work);
    TestWait(&Work.Done);
    EXPECT_EQ(Work.Calls, 1);
    EXPECT_EQ(Work.Device, Device);
    EXPECT_EQ(Work.Irql, PASSIVE_LEVEL);
    IoFreeWorkItem(Work.IoItem);
    IoDeleteDevice(Device);
}

static VOID NTAPI IoFreeingRoutine(PDEVICE_OBJECT Device, PVOID Context)
{
    PWORK Work = Context;

    UNREFERENCED_PARAMETER(Device);
    IoFreeWorkItem(Work->IoItem);
    KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
}

TEST(IoWorkItemMayBeFreedByItsRoutine)
{
    WORK Work;
    PDEVICE_OBJECT Device;

    KeInitializeEvent(&Work.Done, NotificationEvent, FALSE);
    IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    Work.IoItem = IoAllocateWorkItem(Device);
    IoQueueWorkItem(Work.IoItem, IoFreeingRoutine, DelayedWorkQueue, &Work);
    TestWait(&Work.Done);
    IoDeleteDevice(Device);
}
