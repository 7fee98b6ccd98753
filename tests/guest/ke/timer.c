/*
 * Timers and DPCs.
 */
#include "../test.h"

typedef struct _DPC_RECORD
{
    KDPC Dpc;
    volatile LONG Calls;
    KIRQL Irql;
    PVOID Argument1, Argument2;
    KEVENT Done;
    LONG StopAfter; /* a periodic timer is cancelled by its own DPC */
    PKTIMER Timer;
} DPC_RECORD, *PDPC_RECORD;

static VOID NTAPI RecordDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDPC_RECORD Record = Context;

    UNREFERENCED_PARAMETER(Dpc);
    Record->Irql = KeGetCurrentIrql();
    Record->Argument1 = Argument1;
    Record->Argument2 = Argument2;
    if (InterlockedIncrement(&Record->Calls) == Record->StopAfter && Record->Timer != NULL)
    {
        KeCancelTimer(Record->Timer);
    }
    if (Record->Calls >= Record->StopAfter)
    {
        KeSetEvent(&Record->Done, IO_NO_INCREMENT, FALSE);
    }
}

static VOID PrepareDpc(PDPC_RECORD Record)
{
    RtlZeroMemory(Record, sizeof(*Record));
    KeInitializeDpc(&Record->Dpc, RecordDpc, Record);
    KeInitializeEvent(&Record->Done, NotificationEvent, FALSE);
    Record->StopAfter = 1;
}

TEST(DpcRunsAtDispatchLevelWithItsArguments)
{
    DPC_RECORD Record;

    PrepareDpc(&Record);
    EXPECT(KeInsertQueueDpc(&Record.Dpc, (PVOID)(ULONG_PTR)0x11, (PVOID)(ULONG_PTR)0x22));
    TestWait(&Record.Done);
    EXPECT_EQ(Record.Calls, 1);
    EXPECT_EQ(Record.Irql, DISPATCH_LEVEL);
    EXPECT_EQ(Record.Argument1, 0x11);
    EXPECT_EQ(Record.Argument2, 0x22);
    KeFlushQueuedDpcs();
}

TEST(DpcQueuedAtDispatchLevelRunsWhenTheIrqlDrops)
{
    DPC_RECORD Record;
    KIRQL Irql;

    PrepareDpc(&Record);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    EXPECT(KeInsertQueueDpc(&Record.Dpc, NULL, NULL));
    EXPECT_EQ(Record.Calls, 0);
    KeLowerIrql(Irql);
    EXPECT_EQ(Record.Calls, 1);
    KeFlushQueuedDpcs();
}

TEST(QueuedDpcIsNotQueuedTwice)
{
    DPC_RECORD Record;
    KIRQL Irql;

    PrepareDpc(&Record);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    EXPECT(KeInsertQueueDpc(&Record.Dpc, NULL, NULL));
    EXPECT(!KeInsertQueueDpc(&Record.Dpc, NULL, NULL));
    KeLowerIrql(Irql);
    KeFlushQueuedDpcs();
    EXPECT_EQ(Record.Calls, 1);
}

TEST(RemovedDpcDoesNotRun)
{
    DPC_RECORD Record;
    KIRQL Irql;

    PrepareDpc(&Record);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    EXPECT(KeInsertQueueDpc(&Record.Dpc, NULL, NULL));
    EXPECT(KeRemoveQueueDpc(&Record.Dpc));
    EXPECT(!KeRemoveQueueDpc(&Record.Dpc));
    KeLowerIrql(Irql);
    KeFlushQueuedDpcs();
    EXPECT_EQ(Record.Calls, 0);
}

TEST(DpcMayBeQueuedAgainAfterItRan)
{
    DPC_RECORD Record;

    PrepareDpc(&Record);
    EXPECT(KeInsertQueueDpc(&Record.Dpc, NULL, NULL));
    KeFlushQueuedDpcs();
    EXPECT(KeInsertQueueDpc(&Record.Dpc, NULL, NULL));
    KeFlushQueuedDpcs();
    EXPECT_EQ(Record.Calls, 2);
}

TEST(TimerSignalsAndRunsItsDpc)
{
    KTIMER Timer;
    DPC_RECORD Record;

    PrepareDpc(&Record);
    KeInitializeTimer(&Timer);
    EXPECT(!KeReadStateTimer(&Timer));
    EXPECT(!KeSetTimer(&Timer, TestRelative(10), &Record.Dpc));
    EXPECT_EQ(TestWait(&Timer), STATUS_SUCCESS);
    TestWait(&Record.Done);
    EXPECT_EQ(Record.Calls, 1);
    EXPECT_EQ(Record.Irql, DISPATCH_LEVEL);
    EXPECT(KeReadStateTimer(&Timer));
    KeFlushQueuedDpcs();
}

TEST(CancellingAnArmedTimerRemovesIt)
{
    KTIMER Timer;
    DPC_RECORD Record;

    PrepareDpc(&Record);
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, TestRelative(10 * 60 * 1000), &Record.Dpc);
    EXPECT(KeCancelTimer(&Timer));
    EXPECT(!KeCancelTimer(&Timer));
    KeFlushQueuedDpcs();
    EXPECT_EQ(Record.Calls, 0);
    EXPECT(!KeReadStateTimer(&Timer));
}

TEST(CancellingATimerThatWasNeverSetReturnsFalse)
{
    KTIMER Timer;

    KeInitializeTimer(&Timer);
    EXPECT(!KeCancelTimer(&Timer));
}

TEST(CancellingAnExpiredTimerReturnsFalse)
{
    KTIMER Timer;

    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, TestRelative(5), NULL);
    TestWait(&Timer);
    EXPECT(!KeCancelTimer(&Timer));
}

TEST(SettingAnArmedTimerReturnsTrueAndReplacesIt)
{
    KTIMER Timer;

    KeInitializeTimer(&Timer);
    EXPECT(!KeSetTimer(&Timer, TestRelative(10 * 60 * 1000), NULL));
    EXPECT(KeSetTimer(&Timer, TestRelative(5), NULL));
    EXPECT_EQ(TestWait(&Timer), STATUS_SUCCESS);
}

TEST(SynchronizationTimerReleasesOnce)
{
    KTIMER Timer;

    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeSetTimer(&Timer, TestRelative(5), NULL);
    EXPECT_EQ(TestWait(&Timer), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Timer), STATUS_TIMEOUT);
}

TEST(NotificationTimerStaysSignalledUntilSetAgain)
{
    KTIMER Timer;

    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, TestRelative(5), NULL);
    EXPECT_EQ(TestWait(&Timer), STATUS_SUCCESS);
    EXPECT_EQ(TestPoll(&Timer), STATUS_SUCCESS);
    KeSetTimer(&Timer, TestRelative(10 * 60 * 1000), NULL);
    EXPECT_EQ(TestPoll(&Timer), STATUS_TIMEOUT);
    EXPECT(KeCancelTimer(&Timer));
}

TEST(PeriodicTimerFiresUntilCancelled)
{
    KTIMER Timer;
    DPC_RECORD Record;

    PrepareDpc(&Record);
    Record.StopAfter = 3;
    Record.Timer = &Timer;
    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeSetTimerEx(&Timer, TestRelative(5), 5, &Record.Dpc);
    TestWait(&Record.Done);
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    EXPECT(Record.Calls >= 3);
}

TEST(CancellingAPeriodicTimerReturnsTrue)
{
    KTIMER Timer;

    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeSetTimerEx(&Timer, TestRelative(5), 5, NULL);
    TestWait(&Timer);
    EXPECT(KeCancelTimer(&Timer));
}

TEST(TimersExpireInTheOrderOfTheirDueTimes)
{
    KTIMER Early, Late;
    PVOID Objects[2] = {&Late, &Early};

    KeInitializeTimer(&Early);
    KeInitializeTimer(&Late);
    KeSetTimer(&Late, TestRelative(400), NULL);
    KeSetTimer(&Early, TestRelative(20), NULL);
    EXPECT_EQ(KeWaitForMultipleObjects(2, Objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
              STATUS_WAIT_0 + 1);
    TestWait(&Late);
}

TEST(TimerThatIsDueAtOnceSignals)
{
    KTIMER Timer;
    LARGE_INTEGER Past;

    Past.QuadPart = 1;
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, Past, NULL);
    EXPECT_EQ(TestWait(&Timer), STATUS_SUCCESS);
}
