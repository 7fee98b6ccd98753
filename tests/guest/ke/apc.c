/*
 * APC delivery: kinds, order, IRQLs, and the table of which state of the target holds which kind
 * back. Most tests queue to the running thread, where delivery has one possible place in time
 * whatever the schedule.
 */
#include "../test.h"
#include "apc.h"

typedef struct _RECORD
{
    KAPC Apc;
    volatile LONG Kernel, Normal, Rundown;
    KIRQL KernelIrql, NormalIrql;
    BOOLEAN InsertedInKernelRoutine;
    BOOLEAN CancelNormal;
    LONG Order; /* 1 for the first routine of all that ran, ... */
    PVOID NormalContext, Argument1, Argument2;
    PKEVENT Signal; /* set by the kernel routine */
} RECORD, *PRECORD;

static volatile LONG Sequence;

static VOID NTAPI RecordNormal(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PRECORD Record = Context;

    Record->NormalIrql = KeGetCurrentIrql();
    Record->Argument1 = Argument1;
    Record->Argument2 = Argument2;
    InterlockedIncrement(&Record->Normal);
    Record->Order = InterlockedIncrement(&Sequence);
}

static VOID NTAPI RecordKernel(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                               PVOID *Argument1, PVOID *Argument2)
{
    PRECORD Record = CONTAINING_RECORD(Apc, RECORD, Apc);

    Record->KernelIrql = KeGetCurrentIrql();
    Record->InsertedInKernelRoutine = Apc->Inserted;
    Record->NormalContext = *NormalContext;
    Record->Argument1 = *Argument1;
    Record->Argument2 = *Argument2;
    InterlockedIncrement(&Record->Kernel);
    if (Record->CancelNormal || *NormalRoutine == NULL)
    {
        *NormalRoutine = NULL;
        Record->Order = InterlockedIncrement(&Sequence);
    }
    if (Record->Signal != NULL)
    {
        KeSetEvent(Record->Signal, IO_NO_INCREMENT, FALSE);
    }
}

static VOID NTAPI RecordRundown(PKAPC Apc)
{
    PRECORD Record = CONTAINING_RECORD(Apc, RECORD, Apc);

    InterlockedIncrement(&Record->Rundown);
}

static VOID Prepare(PRECORD Record, PKTHREAD Thread, BOOLEAN Special)
{
    RtlZeroMemory(Record, sizeof(*Record));
    KeInitializeApc(&Record->Apc, Thread, ApcOriginalEnvironment, RecordKernel, RecordRundown,
                    Special ? NULL : RecordNormal, KernelMode, Special ? NULL : Record);
}

static VOID PrepareForSelf(PRECORD Special, PRECORD Normal)
{
    Sequence = 0;
    Prepare(Special, KeGetCurrentThread(), TRUE);
    Prepare(Normal, KeGetCurrentThread(), FALSE);
}

static VOID QueueBoth(PRECORD Special, PRECORD Normal)
{
    EXPECT(KeInsertQueueApc(&Normal->Apc, NULL, NULL, 0));
    EXPECT(KeInsertQueueApc(&Special->Apc, NULL, NULL, 0));
}

TEST(SpecialApcToSelfRunsBeforeInsertionReturns)
{
    RECORD Record;

    Prepare(&Record, KeGetCurrentThread(), TRUE);
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    EXPECT_EQ(Record.Kernel, 1);
    EXPECT_EQ(Record.Rundown, 0);
}

TEST(NormalApcToSelfRunsKernelRoutineThenNormalRoutine)
{
    RECORD Record;

    Prepare(&Record, KeGetCurrentThread(), FALSE);
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    EXPECT_EQ(Record.Kernel, 1);
    EXPECT_EQ(Record.Normal, 1);
    EXPECT_EQ(Record.Rundown, 0);
}

TEST(KernelRoutineRunsAtApcLevelAndNormalRoutineAtPassiveLevel)
{
    RECORD Special, Normal;

    PrepareForSelf(&Special, &Normal);
    QueueBoth(&Special, &Normal);
    EXPECT_EQ(Special.KernelIrql, APC_LEVEL);
    EXPECT_EQ(Normal.KernelIrql, APC_LEVEL);
    EXPECT_EQ(Normal.NormalIrql, PASSIVE_LEVEL);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(KernelRoutineMaySuppressNormalRoutine)
{
    RECORD Record;

    Prepare(&Record, KeGetCurrentThread(), FALSE);
    Record.CancelNormal = TRUE;
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    EXPECT_EQ(Record.Kernel, 1);
    EXPECT_EQ(Record.Normal, 0);
}

TEST(ContextAndArgumentsReachBothRoutines)
{
    RECORD Record;

    Prepare(&Record, KeGetCurrentThread(), FALSE);
    EXPECT(KeInsertQueueApc(&Record.Apc, (PVOID)(ULONG_PTR)0x1111, (PVOID)(ULONG_PTR)0x2222, 0));
    EXPECT_EQ(Record.NormalContext, &Record);
    EXPECT_EQ(Record.Argument1, 0x1111);
    EXPECT_EQ(Record.Argument2, 0x2222);
}

TEST(InsertedIsSetWhileQueuedAndClearInKernelRoutine)
{
    RECORD Record;
    KIRQL Irql;

    Prepare(&Record, KeGetCurrentThread(), TRUE);
    EXPECT_EQ(Record.Apc.Inserted, FALSE);
    KeRaiseIrql(APC_LEVEL, &Irql);
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    EXPECT_EQ(Record.Apc.Inserted, TRUE);
    KeLowerIrql(Irql);
    EXPECT_EQ(Record.Kernel, 1);
    EXPECT_EQ(Record.InsertedInKernelRoutine, FALSE);
}

TEST(InsertionOfAQueuedApcFails)
{
    RECORD Record;
    KIRQL Irql;

    Prepare(&Record, KeGetCurrentThread(), TRUE);
    KeRaiseIrql(APC_LEVEL, &Irql);
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    EXPECT(!KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    KeLowerIrql(Irql);
    EXPECT_EQ(Record.Kernel, 1);
}

TEST(ApcMayBeQueuedAgainAfterItRan)
{
    RECORD Record;

    Prepare(&Record, KeGetCurrentThread(), TRUE);
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    EXPECT_EQ(Record.Kernel, 2);
}

static VOID NTAPI FreeingKernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine,
                                       PVOID *NormalContext, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument2);
    TestFree(Apc);
    InterlockedIncrement(*Argument1);
}

TEST(KernelRoutineMayFreeTheApc)
{
    volatile LONG Calls = 0;
    PKAPC Apc = TestAllocate(sizeof(*Apc));

    KeInitializeApc(Apc, KeGetCurrentThread(), ApcOriginalEnvironment, FreeingKernelRoutine, NULL,
                    NULL, KernelMode, NULL);
    EXPECT(KeInsertQueueApc(Apc, (PVOID)&Calls, NULL, 0));
    EXPECT_EQ(Calls, 1);
}

static VOID NTAPI RequeueingKernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine,
                                          PVOID *NormalContext, PVOID *Argument1, PVOID *Argument2)
{
    LONG volatile *Calls = *Argument1;

    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument2);
    if (InterlockedIncrement(Calls) < 3)
    {
        EXPECT(KeInsertQueueApc(Apc, (PVOID)Calls, NULL, 0));
    }
}

TEST(KernelRoutineMayQueueTheSameApcAgain)
{
    volatile LONG Calls = 0;
    KAPC Apc;

    KeInitializeApc(&Apc, KeGetCurrentThread(), ApcOriginalEnvironment, RequeueingKernelRoutine,
                    NULL, NULL, KernelMode, NULL);
    EXPECT(KeInsertQueueApc(&Apc, (PVOID)&Calls, NULL, 0));
    EXPECT_EQ(Calls, 3);
}

/* Whatever is needed of a KAPC was taken before its routine was entered: the routines fill it with
 * what would not work, and the APC behind it in the queue comes all the same. */
static VOID NTAPI SpoilingKernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine,
                                        PVOID *NormalContext, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    RtlFillMemory(Apc, sizeof(*Apc), 0xEE);
}

static VOID NTAPI SpoilingRundownRoutine(PKAPC Apc)
{
    RtlFillMemory(Apc, sizeof(*Apc), 0xEE);
}

TEST(ApcMayBeOverwrittenInItsKernelRoutine)
{
    RECORD Behind;
    KAPC Apc;
    KIRQL Irql;

    Prepare(&Behind, KeGetCurrentThread(), TRUE);
    KeInitializeApc(&Apc, KeGetCurrentThread(), ApcOriginalEnvironment, SpoilingKernelRoutine, NULL,
                    NULL, KernelMode, NULL);
    KeRaiseIrql(APC_LEVEL, &Irql);
    EXPECT(KeInsertQueueApc(&Apc, NULL, NULL, 0));
    EXPECT(KeInsertQueueApc(&Behind.Apc, NULL, NULL, 0));
    KeLowerIrql(Irql);
    EXPECT_EQ(Behind.Kernel, 1);
}

/* A normal APC in pool that its kernel routine frees: the normal routine needs nothing of it. */
static volatile LONG OrphanCalls;

static VOID NTAPI OrphanNormal(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    if (Context == (PVOID)(ULONG_PTR)1 && Argument1 == &OrphanCalls &&
        Argument2 == (PVOID)(ULONG_PTR)3)
    {
        InterlockedIncrement(&OrphanCalls);
    }
}

static VOID NTAPI OrphaningKernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine,
                                         PVOID *NormalContext, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    RtlFillMemory(Apc, sizeof(*Apc), 0xEE);
    TestFree(Apc);
}

TEST(NormalRoutineRunsWithItsArgumentsAfterTheApcWasFreed)
{
    PKAPC Apc = TestAllocate(sizeof(*Apc));

    OrphanCalls = 0;
    KeInitializeApc(Apc, KeGetCurrentThread(), ApcOriginalEnvironment, OrphaningKernelRoutine, NULL,
                    OrphanNormal, KernelMode, (PVOID)(ULONG_PTR)1);
    EXPECT(KeInsertQueueApc(Apc, (PVOID)&OrphanCalls, (PVOID)(ULONG_PTR)3, 0));
    EXPECT_EQ(OrphanCalls, 1);
}

TEST(SpecialApcsAreDeliveredBeforeNormalOnes)
{
    RECORD Special, Normal;
    KIRQL Irql;

    PrepareForSelf(&Special, &Normal);
    KeRaiseIrql(APC_LEVEL, &Irql);
    QueueBoth(&Special, &Normal);
    KeLowerIrql(Irql);
    EXPECT_EQ(Special.Order, 1);
    EXPECT_EQ(Normal.Order, 2);
}

TEST(ApcsOfOneKindAreDeliveredInOrderOfInsertion)
{
    RECORD Records[4];
    KIRQL Irql;
    ULONG Index;

    Sequence = 0;
    KeRaiseIrql(APC_LEVEL, &Irql);
    for (Index = 0; Index < 4; Index++)
    {
        Prepare(&Records[Index], KeGetCurrentThread(), Index < 2);
        EXPECT(KeInsertQueueApc(&Records[Index].Apc, NULL, NULL, 0));
    }
    KeLowerIrql(Irql);
    for (Index = 0; Index < 4; Index++)
    {
        EXPECT_EQ(Records[Index].Order, Index + 1);
    }
}

/* A normal routine that queues a normal and a special APC to its own thread. */
typedef struct _NESTING
{
    KAPC Apc;
    RECORD Special, Normal;
    LONG SpecialInside, NormalInside;
} NESTING, *PNESTING;

static VOID NTAPI NestingNormal(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PNESTING Nesting = Context;

    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    QueueBoth(&Nesting->Special, &Nesting->Normal);
    Nesting->SpecialInside = Nesting->Special.Kernel;
    Nesting->NormalInside = Nesting->Normal.Kernel;
}

static VOID NTAPI NestingKernel(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

TEST(NormalApcIsNotStartedInsideAnotherButSpecialIs)
{
    NESTING Nesting;

    RtlZeroMemory(&Nesting, sizeof(Nesting));
    PrepareForSelf(&Nesting.Special, &Nesting.Normal);
    KeInitializeApc(&Nesting.Apc, KeGetCurrentThread(), ApcOriginalEnvironment, NestingKernel, NULL,
                    NestingNormal, KernelMode, &Nesting);
    EXPECT(KeInsertQueueApc(&Nesting.Apc, NULL, NULL, 0));
    EXPECT_EQ(Nesting.SpecialInside, 1);
    EXPECT_EQ(Nesting.NormalInside, 0);
    EXPECT_EQ(Nesting.Normal.Normal, 1);
}

/* The delivery table: queue one APC of each kind in a state, look, leave the state, look again. */
static VOID ExpectHeld(PRECORD Special, PRECORD Normal, LONG SpecialNow, LONG NormalNow)
{
    EXPECT_EQ(Special->Kernel, SpecialNow);
    EXPECT_EQ(Normal->Kernel, NormalNow);
    EXPECT_EQ(Normal->Normal, NormalNow);
}

TEST(CriticalRegionHoldsBackNormalApcsOnly)
{
    RECORD Special, Normal;

    PrepareForSelf(&Special, &Normal);
    KeEnterCriticalRegion();
    QueueBoth(&Special, &Normal);
    ExpectHeld(&Special, &Normal, 1, 0);
    KeLeaveCriticalRegion();
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(NestedCriticalRegionsDeliverWhenTheOutermostIsLeft)
{
    RECORD Special, Normal;

    PrepareForSelf(&Special, &Normal);
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    QueueBoth(&Special, &Normal);
    KeLeaveCriticalRegion();
    ExpectHeld(&Special, &Normal, 1, 0);
    KeLeaveCriticalRegion();
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(GuardedRegionHoldsBackAllApcs)
{
    RECORD Special, Normal;

    PrepareForSelf(&Special, &Normal);
    KeEnterGuardedRegion();
    QueueBoth(&Special, &Normal);
    ExpectHeld(&Special, &Normal, 0, 0);
    KeLeaveGuardedRegion();
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(NestedGuardedRegionsDeliverWhenTheOutermostIsLeft)
{
    RECORD Special, Normal;

    PrepareForSelf(&Special, &Normal);
    KeEnterGuardedRegion();
    KeEnterGuardedRegion();
    QueueBoth(&Special, &Normal);
    KeLeaveGuardedRegion();
    ExpectHeld(&Special, &Normal, 0, 0);
    KeLeaveGuardedRegion();
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(LeavingAGuardedRegionInsideACriticalOneDeliversSpecialApcsOnly)
{
    RECORD Special, Normal;

    PrepareForSelf(&Special, &Normal);
    KeEnterCriticalRegion();
    KeEnterGuardedRegion();
    QueueBoth(&Special, &Normal);
    ExpectHeld(&Special, &Normal, 0, 0);
    KeLeaveGuardedRegion();
    ExpectHeld(&Special, &Normal, 1, 0);
    KeLeaveCriticalRegion();
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(ApcLevelHoldsBackAllApcs)
{
    RECORD Special, Normal;
    KIRQL Irql;

    PrepareForSelf(&Special, &Normal);
    KeRaiseIrql(APC_LEVEL, &Irql);
    QueueBoth(&Special, &Normal);
    ExpectHeld(&Special, &Normal, 0, 0);
    KeLowerIrql(Irql);
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(DispatchLevelHoldsBackAllApcs)
{
    RECORD Special, Normal;
    KIRQL Irql;

    PrepareForSelf(&Special, &Normal);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    QueueBoth(&Special, &Normal);
    ExpectHeld(&Special, &Normal, 0, 0);
    KeLowerIrql(Irql);
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(LoweringFromDispatchToApcLevelDeliversNothing)
{
    RECORD Special, Normal;
    KIRQL Irql;

    PrepareForSelf(&Special, &Normal);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    QueueBoth(&Special, &Normal);
    KeLowerIrql(APC_LEVEL);
    ExpectHeld(&Special, &Normal, 0, 0);
    KeLowerIrql(Irql);
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(OwningAMutexHoldsBackNormalApcsOnly)
{
    RECORD Special, Normal;
    KMUTEX Mutex;

    KeInitializeMutex(&Mutex, 0);
    PrepareForSelf(&Special, &Normal);
    EXPECT_EQ(TestWait(&Mutex), STATUS_SUCCESS);
    QueueBoth(&Special, &Normal);
    ExpectHeld(&Special, &Normal, 1, 0);
    KeReleaseMutex(&Mutex, FALSE);
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(RecursiveMutexDeliversAfterTheLastRelease)
{
    RECORD Special, Normal;
    KMUTEX Mutex;

    KeInitializeMutex(&Mutex, 0);
    PrepareForSelf(&Special, &Normal);
    EXPECT_EQ(TestWait(&Mutex), STATUS_SUCCESS);
    EXPECT_EQ(TestWait(&Mutex), STATUS_SUCCESS);
    QueueBoth(&Special, &Normal);
    KeReleaseMutex(&Mutex, FALSE);
    ExpectHeld(&Special, &Normal, 1, 0);
    KeReleaseMutex(&Mutex, FALSE);
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(OwningAFastMutexHoldsBackAllApcs)
{
    RECORD Special, Normal;
    FAST_MUTEX Mutex;

    ExInitializeFastMutex(&Mutex);
    PrepareForSelf(&Special, &Normal);
    ExAcquireFastMutex(&Mutex);
    QueueBoth(&Special, &Normal);
    ExpectHeld(&Special, &Normal, 0, 0);
    ExReleaseFastMutex(&Mutex);
    ExpectHeld(&Special, &Normal, 1, 1);
}

TEST(OwningAGuardedMutexHoldsBackAllApcs)
{
    RECORD Special, Normal;
    KGUARDED_MUTEX Mutex;

    KeInitializeGuardedMutex(&Mutex);
    PrepareForSelf(&Special, &Normal);
    KeAcquireGuardedMutex(&Mutex);
    QueueBoth(&Special, &Normal);
    ExpectHeld(&Special, &Normal, 0, 0);
    KeReleaseGuardedMutex(&Mutex);
    ExpectHeld(&Special, &Normal, 1, 1);
}

/* A target that waits in a chosen state; the test queues while it waits and looks after it has
 * left. */
typedef struct _TARGET
{
    TEST_THREAD Thread;
    KEVENT Ready, Go, Delivered;
    BOOLEAN CriticalRegion;
    KIRQL Irql;
    NTSTATUS WaitStatus;
    PRECORD Watched;
    LONG BeforeLeaving, AfterLeaving;
} TARGET, *PTARGET;

static VOID NTAPI TargetThread(PVOID Context)
{
    PTARGET Target = Context;
    KIRQL Irql;

    if (Target->CriticalRegion)
    {
        KeEnterCriticalRegion();
    }
    KeRaiseIrql(Target->Irql, &Irql);
    KeSetEvent(&Target->Ready, IO_NO_INCREMENT, FALSE);
    Target->WaitStatus = TestWait(&Target->Go);
    if (Target->Watched != NULL)
    {
        Target->BeforeLeaving = Target->Watched->Kernel;
    }
    KeLowerIrql(Irql);
    if (Target->CriticalRegion)
    {
        KeLeaveCriticalRegion();
    }
    if (Target->Watched != NULL)
    {
        Target->AfterLeaving = Target->Watched->Kernel;
    }
}

static VOID StartTarget(PTARGET Target, BOOLEAN CriticalRegion, KIRQL Irql)
{
    RtlZeroMemory(Target, sizeof(*Target));
    KeInitializeEvent(&Target->Ready, NotificationEvent, FALSE);
    KeInitializeEvent(&Target->Go, NotificationEvent, FALSE);
    KeInitializeEvent(&Target->Delivered, NotificationEvent, FALSE);
    Target->CriticalRegion = CriticalRegion;
    Target->Irql = Irql;
    TestStartThread(&Target->Thread, TargetThread, Target);
    TestWait(&Target->Ready);
}

static VOID FinishTarget(PTARGET Target)
{
    KeSetEvent(&Target->Go, IO_NO_INCREMENT, FALSE);
    TestJoinThread(&Target->Thread);
}

TEST(SpecialApcInterruptsAWaitThatIsNotAlertableAndTheWaitGoesOn)
{
    TARGET Target;
    RECORD Record;

    StartTarget(&Target, FALSE, PASSIVE_LEVEL);
    Prepare(&Record, Target.Thread.Thread, TRUE);
    Record.Signal = &Target.Delivered;
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    TestWait(&Target.Delivered);
    FinishTarget(&Target);
    EXPECT_EQ(Record.Kernel, 1);
    EXPECT_EQ(Target.WaitStatus, STATUS_SUCCESS);
}

TEST(NormalApcInterruptsAWaitThatIsNotAlertableAndTheWaitGoesOn)
{
    TARGET Target;
    RECORD Record;

    StartTarget(&Target, FALSE, PASSIVE_LEVEL);
    Prepare(&Record, Target.Thread.Thread, FALSE);
    Record.Signal = &Target.Delivered;
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    TestWait(&Target.Delivered);
    FinishTarget(&Target);
    EXPECT_EQ(Record.Normal, 1);
    EXPECT_EQ(Target.WaitStatus, STATUS_SUCCESS);
}

TEST(SpecialApcReachesAThreadThatWaitsInACriticalRegion)
{
    TARGET Target;
    RECORD Record;

    StartTarget(&Target, TRUE, PASSIVE_LEVEL);
    Prepare(&Record, Target.Thread.Thread, TRUE);
    Record.Signal = &Target.Delivered;
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    TestWait(&Target.Delivered);
    FinishTarget(&Target);
    EXPECT_EQ(Record.Kernel, 1);
}

TEST(NormalApcWaitsUntilAWaitingThreadHasLeftItsCriticalRegion)
{
    TARGET Target;
    RECORD Record;

    StartTarget(&Target, TRUE, PASSIVE_LEVEL);
    Prepare(&Record, Target.Thread.Thread, FALSE);
    Target.Watched = &Record;
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    FinishTarget(&Target);
    EXPECT_EQ(Target.BeforeLeaving, 0);
    EXPECT_EQ(Target.AfterLeaving, 1);
    EXPECT_EQ(Record.Normal, 1);
}

TEST(InsertionFailsForAThreadThatHasExited)
{
    TARGET Target;
    RECORD Record;

    StartTarget(&Target, FALSE, PASSIVE_LEVEL);
    ObReferenceObject(Target.Thread.Thread);
    FinishTarget(&Target);
    Prepare(&Record, Target.Thread.Thread, TRUE);
    EXPECT(!KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    EXPECT_EQ(Record.Kernel, 0);
    EXPECT_EQ(Record.Rundown, 0);
    ObDereferenceObject(Target.Thread.Thread);
}

TEST(ThreadExitRunsRundownRoutineInsteadOfKernelRoutine)
{
    TARGET Target;
    PRECORD Record = TestAllocate(sizeof(*Record));

    StartTarget(&Target, FALSE, PASSIVE_LEVEL);
    KeInitializeApc(&Record->Apc, Target.Thread.Thread, ApcOriginalEnvironment, RecordKernel,
                    RecordRundown, (APC_NORMAL_ROUTINE *)(ULONG_PTR)0x10000, UserMode, NULL);
    EXPECT(KeInsertQueueApc(&Record->Apc, NULL, NULL, 0));
    FinishTarget(&Target);
    EXPECT_EQ(Record->Kernel, 0);
    EXPECT_EQ(Record->Rundown, 1);
    TestFree(Record);
}

static VOID PrepareUserApc(PKAPC Apc, PKTHREAD Thread, APC_RUNDOWN_ROUTINE *Rundown)
{
    KeInitializeApc(Apc, Thread, ApcOriginalEnvironment, RecordKernel, Rundown,
                    (APC_NORMAL_ROUTINE *)(ULONG_PTR)0x10000, UserMode, NULL);
}

TEST(ApcMayBeOverwrittenInItsRundownRoutine)
{
    TARGET Target;
    PRECORD Behind = TestAllocate(sizeof(*Behind));
    PKAPC Apc = TestAllocate(sizeof(*Apc));

    StartTarget(&Target, FALSE, PASSIVE_LEVEL);
    PrepareUserApc(Apc, Target.Thread.Thread, SpoilingRundownRoutine);
    PrepareUserApc(&Behind->Apc, Target.Thread.Thread, RecordRundown);
    EXPECT(KeInsertQueueApc(Apc, NULL, NULL, 0));
    EXPECT(KeInsertQueueApc(&Behind->Apc, NULL, NULL, 0));
    FinishTarget(&Target);
    EXPECT_EQ(Behind->Rundown, 1);
    EXPECT_EQ(Behind->Kernel, 0);
    TestFree(Apc);
    TestFree(Behind);
}

TEST(RundownRoutineMayFreeTheApc)
{
    TARGET Target;
    PKAPC Apc = TestAllocate(sizeof(*Apc));

    StartTarget(&Target, FALSE, PASSIVE_LEVEL);
    PrepareUserApc(Apc, Target.Thread.Thread, (APC_RUNDOWN_ROUTINE *)TestFree);
    EXPECT(KeInsertQueueApc(Apc, NULL, NULL, 0));
    FinishTarget(&Target);
}

TEST(ApcWithoutARundownRoutineIsFreedAtThreadExit)
{
    TARGET Target;
    PKAPC Apc = ExAllocatePool(NonPagedPool, sizeof(*Apc));

    EXPECT(Apc != NULL);
    StartTarget(&Target, FALSE, PASSIVE_LEVEL);
    PrepareUserApc(Apc, Target.Thread.Thread, NULL);
    EXPECT(KeInsertQueueApc(Apc, NULL, NULL, 0));
    FinishTarget(&Target);
}

/* From one thread's kernel routine to another thread. */
static VOID NTAPI PassingKernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine,
                                       PVOID *NormalContext, PVOID *Argument1, PVOID *Argument2)
{
    PRECORD Record = CONTAINING_RECORD(Apc, RECORD, Apc);

    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    Prepare(Record, *Argument1, TRUE);
    Record->Signal = *Argument2;
    EXPECT(KeInsertQueueApc(Apc, NULL, NULL, 0));
}

TEST(KernelRoutineMayQueueTheApcToAnotherThread)
{
    TARGET Target;
    RECORD Record;

    StartTarget(&Target, FALSE, PASSIVE_LEVEL);
    KeInitializeApc(&Record.Apc, KeGetCurrentThread(), ApcOriginalEnvironment, PassingKernelRoutine,
                    NULL, NULL, KernelMode, NULL);
    EXPECT(KeInsertQueueApc(&Record.Apc, Target.Thread.Thread, &Target.Delivered, 0));
    TestWait(&Target.Delivered);
    FinishTarget(&Target);
    EXPECT_EQ(Record.Kernel, 1);
}

static VOID ExpectHeldByWaitAtApcLevel(BOOLEAN Special)
{
    TARGET Target;
    RECORD Record;

    StartTarget(&Target, FALSE, APC_LEVEL);
    TestSleep(10);
    Prepare(&Record, Target.Thread.Thread, Special);
    Target.Watched = &Record;
    EXPECT(KeInsertQueueApc(&Record.Apc, NULL, NULL, 0));
    TestSleep(10);
    FinishTarget(&Target);
    EXPECT_EQ(Target.WaitStatus, STATUS_SUCCESS);
    EXPECT_EQ(Target.BeforeLeaving, 0);
    EXPECT_EQ(Target.AfterLeaving, 1);
}

TEST(SpecialApcWaitsUntilAThreadThatWaitsAtApcLevelHasLeftIt)
{
    ExpectHeldByWaitAtApcLevel(TRUE);
}

TEST(NormalApcWaitsUntilAThreadThatWaitsAtApcLevelHasLeftIt)
{
    ExpectHeldByWaitAtApcLevel(FALSE);
}

TEST(WaitThatBeginsAtApcLevelDeliversNothing)
{
    RECORD Special, Normal;
    KEVENT Never;
    LARGE_INTEGER Timeout = TestRelative(5);
    KIRQL Irql;

    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    PrepareForSelf(&Special, &Normal);
    KeRaiseIrql(APC_LEVEL, &Irql);
    QueueBoth(&Special, &Normal);
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, &Timeout);
    ExpectHeld(&Special, &Normal, 0, 0);
    KeLowerIrql(Irql);
    ExpectHeld(&Special, &Normal, 1, 1);
}
