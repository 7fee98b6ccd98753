/*
 * Waiting and waking. A wait links one wait block for each object (and one for its time-out) and leaves the
 * processor; whoever signals an object walks its blocks, satisfies the waits that can be satisfied on the
 * waiter's behalf, and makes those threads ready. So a woken thread never competes for the object again.
 *
 * Rules of nt-semantics 1a and 1d kept here: a kernel APC interrupts a wait begun at PASSIVE_LEVEL and the wait
 * resumes without KeWait returning; an alert or a user APC ends an alertable wait; termination ends a wait
 * in UserMode only; a wait with a time-out other than zero is impossible at DISPATCH_LEVEL.
 */
#include "guest/include/ki.h"

/* Internal status of a wait that a kernel APC interrupted. */
#define KI_WAIT_INTERRUPTED ((LONG_PTR)STATUS_KERNEL_APC)

VOID KiNameWait(PVOID Object, ULONG Type, PVOID Owner)
{
    PKTHREAD Thread = KiCurrentThread();

    Thread->NamedWaitObject = Object;
    Thread->NamedWaitType = Type;
    Thread->NamedWaitOwner = Owner;
}

static ULONG KiWaitTypeOf(PDISPATCHER_HEADER Object)
{
    switch (Object->Type)
    {
    case KI_EVENT_NOTIFICATION:
    case KI_EVENT_SYNCHRONIZATION:
        return RD_WAIT_EVENT;
    case KI_MUTANT:
        return RD_WAIT_MUTEX;
    case KI_QUEUE:
        return RD_WAIT_QUEUE;
    case KI_SEMAPHORE:
        return RD_WAIT_SEMAPHORE;
    case KI_THREAD:
        return RD_WAIT_THREAD;
    case KI_TIMER_NOTIFICATION:
    case KI_TIMER_SYNCHRONIZATION:
        return RD_WAIT_TIMER;
    default:
        return RD_WAIT_OTHER;
    }
}

/* What a hang report says about this wait. */
static VOID KiDescribeWait(PKTHREAD Thread, PVOID Object, KWAIT_REASON Reason)
{
    struct rd_thread *Rd = &Thread->Rd;

    Rd->wait_reason = (ULONG)Reason;
    Rd->wait_object = RD_ADDRESS(Object);
    Rd->wait_owner = 0;
    if (Thread->NamedWaitObject != NULL)
    {
        Rd->wait_object = RD_ADDRESS(Thread->NamedWaitObject);
        Rd->wait_type = Thread->NamedWaitType;
        Rd->wait_owner = RD_ADDRESS(Thread->NamedWaitOwner);
    }
    else if (Object == NULL)
    {
        Rd->wait_type = RD_WAIT_DELAY;
    }
    else if (Object == &Thread->SuspendSemaphore)
    {
        Rd->wait_type = RD_WAIT_SUSPEND;
        Rd->wait_object = RD_ADDRESS(Thread);
    }
    else
    {
        Rd->wait_type = KiWaitTypeOf(Object);
        if (Rd->wait_type == RD_WAIT_MUTEX)
        {
            Rd->wait_owner = RD_ADDRESS(((PKMUTANT)Object)->OwnerThread);
        }
    }
    RdEvent(RD_EVENT_WAIT, Rd->wait_object, Reason, Rd->wait_type);
}

static BOOLEAN KiIsSignaled(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    if (Object->Type == KI_MUTANT)
    {
        PKMUTANT Mutant = (PKMUTANT)Object;
        return Mutant->Header.SignalState > 0 || Mutant->OwnerThread == Thread;
    }
    if (Object->Type == KI_QUEUE)
    {
        PKQUEUE Queue = (PKQUEUE)Object;
        return Queue->Header.SignalState > 0 && Queue->CurrentCount < Queue->MaximumCount;
    }
    return Object->SignalState > 0;
}

/* Takes the object for Thread. Returns the status that its wait key is added to. */
static LONG_PTR KiSatisfyWait(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    PKMUTANT Mutant;

    switch (Object->Type)
    {
    case KI_EVENT_SYNCHRONIZATION:
    case KI_TIMER_SYNCHRONIZATION:
        Object->SignalState = 0;
        return STATUS_SUCCESS;
    case KI_SEMAPHORE:
        Object->SignalState--;
        return STATUS_SUCCESS;
    case KI_MUTANT:
        Mutant = (PKMUTANT)Object;
        if ((ULONG)Mutant->Header.SignalState == MINLONG)
        {
            ExRaiseStatus(STATUS_MUTANT_LIMIT_EXCEEDED);
        }
        if (--Mutant->Header.SignalState == 0)
        {
            Mutant->OwnerThread = Thread;
            Thread->KernelApcDisable = (SHORT)(Thread->KernelApcDisable - Mutant->ApcDisable);
            InsertTailList(&Thread->MutantListHead, &Mutant->MutantListEntry);
            if (Mutant->Abandoned)
            {
                Mutant->Abandoned = FALSE;
                return STATUS_ABANDONED;
            }
        }
        return STATUS_SUCCESS;
    case KI_QUEUE:
        return KiTakeQueueEntry((PKQUEUE)Object, Thread);
    default:
        return STATUS_SUCCESS;
    }
}

/* Ends a thread's wait: takes its blocks off their objects and makes it ready. */
__attribute__((noinline)) BOOLEAN KiTryUnwaitThread(
    PKTHREAD Thread, LONG_PTR Status, KPRIORITY Increment)
{
    PKWAIT_BLOCK Block = Thread->WaitBlockList;
    PKWAIT_BLOCK First = Block;

    if (Thread->Rd.state != RD_THREAD_WAITING)
    {
        return FALSE;
    }
    do
    {
        if (Block->BlockState == KI_BLOCK_LINKED)
        {
            KiRemoveEntry(&Block->WaitListEntry);
            Block->BlockState = KI_BLOCK_UNLINKED;
        }
        Block = Block->NextWaitBlock;
    } while (Block != First);
    if (Thread->Timer.Header.Inserted)
    {
        KiRemoveTimer(&Thread->Timer);
    }
    if (Thread->Queue != NULL && Thread->WaitReason != WrQueue)
    {
        Thread->Queue->CurrentCount++;
    }
    Thread->WaitBlockList = NULL;
    Thread->WaitStatus = Status;
    RdEvent(RD_EVENT_WAKE, RD_ADDRESS(Thread), (ULONG)Status, 0);
    KiReadyThread(Thread);
    return TRUE;
}

/* Every object of a WaitAll wait can be taken: takes them. */
static BOOLEAN KiSatisfyAll(PKTHREAD Thread, PKWAIT_BLOCK First, LONG_PTR *Status)
{
    PKWAIT_BLOCK Block = First;

    do
    {
        if (Block->WaitType == WaitAll && !KiIsSignaled(Block->Object, Thread))
        {
            return FALSE;
        }
        Block = Block->NextWaitBlock;
    } while (Block != First);
    *Status = STATUS_SUCCESS;
    do
    {
        if (Block->WaitType == WaitAll)
        {
            LONG_PTR Taken = KiSatisfyWait(Block->Object, Thread);
            if (Taken != STATUS_SUCCESS)
            {
                *Status = Taken;
            }
        }
        Block = Block->NextWaitBlock;
    } while (Block != First);
    return TRUE;
}

/* The object has become signaled: wakes who can be woken, in the order in which they began to wait. */
VOID KiWaitTest(PDISPATCHER_HEADER Object, KPRIORITY Increment)
{
    PLIST_ENTRY Entry = Object->WaitListHead.Flink;

    while (Entry != &Object->WaitListHead)
    {
        PKWAIT_BLOCK Block = CONTAINING_RECORD(Entry, KWAIT_BLOCK, WaitListEntry);
        PKTHREAD Thread = Block->Thread;
        LONG_PTR Status;

        if (!KiIsSignaled(Object, Thread))
        {
            break;
        }
        if (Block->WaitType == WaitAny)
        {
            Status = KiSatisfyWait(Object, Thread) + Block->WaitKey;
        }
        else if (!KiSatisfyAll(Thread, Thread->WaitBlockList, &Status))
        {
            Entry = Entry->Flink;
            continue;
        }
        KiTryUnwaitThread(Thread, Status, Increment);
        /* The waiter may have had several blocks on this object: begin again. */
        Entry = Object->WaitListHead.Flink;
    }
}

static VOID KiLinkBlock(PKWAIT_BLOCK Block, PKTHREAD Thread, PVOID Object, USHORT Key, UCHAR Type)
{
    PDISPATCHER_HEADER Header = Object;

    Block->Object = Object;
    Block->Thread = Thread;
    Block->WaitKey = Key;
    Block->WaitType = Type;
    Block->BlockState = KI_BLOCK_LINKED;
    if (Header->Type == KI_QUEUE)
    {
        /* The worker that waited last has warm caches: queues wake in that order. */
        InsertHeadList(&Header->WaitListHead, &Block->WaitListEntry);
    }
    else
    {
        InsertTailList(&Header->WaitListHead, &Block->WaitListEntry);
    }
}

/* An alert, a user APC or termination that ends (or forbids to begin) this wait. */
static LONG_PTR KiTestWaitInterruption(PKTHREAD Thread, BOOLEAN Alertable, KPROCESSOR_MODE Mode)
{
    if (Alertable)
    {
        if (Thread->Alerted[(ULONG)Mode])
        {
            Thread->Alerted[(ULONG)Mode] = FALSE;
            return STATUS_ALERTED;
        }
        if (!IsListEmpty(&Thread->ApcState.ApcListHead[UserMode]))
        {
            if (Mode == UserMode)
            {
                Thread->ApcState.UserApcPending = TRUE;
            }
            return STATUS_USER_APC;
        }
        if (Thread->Alerted[KernelMode])
        {
            Thread->Alerted[KernelMode] = FALSE;
            return STATUS_ALERTED;
        }
    }
    if (Mode == UserMode && (Thread->ApcState.UserApcPending || Thread->TerminateArrived))
    {
        return STATUS_USER_APC;
    }
    return STATUS_SUCCESS;
}

/* Waiting where the dispatcher cannot switch away. */
static VOID KiCheckWaitIrql(PKTHREAD Thread, KIRQL Irql, PVOID Object, BOOLEAN Blocks)
{
    PKPRCB Prcb = KiCurrentPrcb();

    if (Irql < DISPATCH_LEVEL || !Blocks)
    {
        return;
    }
    if (Prcb->DpcRoutineActive)
    {
        KeBugCheckEx(RDBC_ATTEMPTED_SWITCH_FROM_DPC, RD_ADDRESS(Thread),
            RD_ADDRESS(Prcb->IdleThread), RD_ADDRESS(Thread->InitialStack), 0);
    }
    KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, RD_ADDRESS(Object), Irql, 0,
        RD_ADDRESS(__builtin_return_address(0)));
}

/* Absolute due time on the machine's clock, so that an interrupted wait goes on for the rest only. */
static ULONG64 KiDueTime(PLARGE_INTEGER Timeout)
{
    if (Timeout->QuadPart <= 0)
    {
        return RdTime() + (ULONG64)-Timeout->QuadPart;
    }
    return KiSystemTimeToMachineTime(Timeout->QuadPart);
}

/* Any or all of Count objects; Count 0 waits for the time-out alone. */
static LONG_PTR KiWait(ULONG Count, PVOID Objects[], WAIT_TYPE WaitType, KWAIT_REASON Reason,
    KPROCESSOR_MODE Mode, BOOLEAN Alertable, PLARGE_INTEGER Timeout, PKWAIT_BLOCK Blocks)
{
    PKTHREAD Thread = KiCurrentThread();
    BOOLEAN Poll = Timeout != NULL && Timeout->QuadPart == 0 && Count != 0;
    ULONG64 Due = Timeout != NULL && !Poll ? KiDueTime(Timeout) : 0;
    PKWAIT_BLOCK TimerBlock = &Thread->WaitBlock[KI_TIMER_BLOCK];
    KIRQL Irql;
    LONG_PTR Status;
    ULONG Index;

    if (Thread->WaitNext)
    {
        Thread->WaitNext = FALSE;
        Irql = Thread->WaitNextIrql;
    }
    else
    {
        Irql = KeGetCurrentIrql();
    }
    KiCheckWaitIrql(Thread, Irql, Count != 0 ? Objects[0] : NULL, !Poll);
    for (;;)
    {
        KiRaiseIrql(DISPATCH_LEVEL > Irql ? DISPATCH_LEVEL : Irql);
        if (Irql == PASSIVE_LEVEL && Thread->ApcState.KernelApcPending
            && Thread->SpecialApcDisable == 0)
        {
            /* An APC that is already on its way goes first. */
            __writecr8(APC_LEVEL);
            KiDeliverApc(KernelMode);
            continue;
        }
        Status = STATUS_TIMEOUT;
        if (WaitType == WaitAny)
        {
            for (Index = 0; Index < Count; Index++)
            {
                if (KiIsSignaled(Objects[Index], Thread))
                {
                    Status = KiSatisfyWait(Objects[Index], Thread) + Index;
                    goto Done;
                }
            }
        }
        Thread->WaitBlockCount = Count;
        for (Index = 0; Index < Count; Index++)
        {
            Blocks[Index].Object = Objects[Index];
            Blocks[Index].WaitType = (UCHAR)WaitType;
            Blocks[Index].BlockState = KI_BLOCK_UNLINKED;
            Blocks[Index].NextWaitBlock = &Blocks[Index + 1 == Count ? 0 : Index + 1];
        }
        if (WaitType == WaitAll && KiSatisfyAll(Thread, Blocks, &Status))
        {
            goto Done;
        }
        Status = KiTestWaitInterruption(Thread, Alertable, Mode);
        if (Status != STATUS_SUCCESS)
        {
            goto Done;
        }
        if (Poll)
        {
            Status = STATUS_TIMEOUT;
            goto Done;
        }

        for (Index = 0; Index < Count; Index++)
        {
            KiLinkBlock(&Blocks[Index], Thread, Objects[Index], (USHORT)Index, (UCHAR)WaitType);
        }
        Thread->WaitBlockList = Count != 0 ? Blocks : TimerBlock;
        if (Timeout != NULL)
        {
            InitializeListHead(&Thread->Timer.Header.WaitListHead);
            Thread->Timer.Header.SignalState = 0;
            KiLinkBlock(TimerBlock, Thread, &Thread->Timer, (USHORT)STATUS_TIMEOUT, WaitAny);
            if (Count != 0)
            {
                Blocks[Count - 1].NextWaitBlock = TimerBlock;
                TimerBlock->NextWaitBlock = Blocks;
            }
            else
            {
                TimerBlock->NextWaitBlock = TimerBlock;
            }
            KiInsertTimer(&Thread->Timer, Due);
        }
        if (Thread->Queue != NULL && Reason != WrQueue)
        {
            KiThreadLeavesQueue(Thread);
        }
        Thread->Alertable = Alertable;
        Thread->WaitMode = Mode;
        Thread->WaitReason = (UCHAR)Reason;
        Thread->WaitIrql = Irql;
        Thread->WaitStatus = STATUS_SUCCESS;
        KiDescribeWait(Thread, Count != 0 ? Objects[0] : NULL, Reason);
        Thread->Rd.state = RD_THREAD_WAITING;
        Status = KiSwapThread();
        Thread->Rd.wait_object = 0;
        Thread->Rd.wait_type = RD_WAIT_NONE;
        if (Status != KI_WAIT_INTERRUPTED)
        {
            break;
        }
        __writecr8(APC_LEVEL);
        KiDeliverApc(KernelMode);
    }
Done:
    Thread->NamedWaitObject = NULL;
    __writecr8(Irql);
    return Status;
}

NTEXPORT(KeWaitForSingleObject, DISPATCH_LEVEL, "event semaphore mutex timer thread");
NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
    KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    PVOID Objects[1] = {Object};

    return (NTSTATUS)KiWait(1, Objects, WaitAny, WaitReason, WaitMode, Alertable, Timeout,
        KiCurrentThread()->WaitBlock);
}

NTEXPORT(KeWaitForMultipleObjects, DISPATCH_LEVEL, "event semaphore mutex timer thread");
NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Objects[], WAIT_TYPE WaitType,
    KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
    PKWAIT_BLOCK WaitBlockArray)
{
    ULONG Limit = WaitBlockArray != NULL ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS;

    if (Count > Limit || Count == 0)
    {
        KeBugCheck(RDBC_MAXIMUM_WAIT_OBJECTS_EXCEEDED);
    }
    return (NTSTATUS)KiWait(Count, Objects, WaitType, WaitReason, WaitMode, Alertable, Timeout,
        WaitBlockArray != NULL ? WaitBlockArray : KiCurrentThread()->WaitBlock);
}

NTEXPORT(KeDelayExecutionThread, APC_LEVEL, "timer");
NTSTATUS NTAPI KeDelayExecutionThread(
    KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval)
{
    NTSTATUS Status = (NTSTATUS)KiWait(0, NULL, WaitAny, DelayExecution, WaitMode, Alertable,
        Interval, KiCurrentThread()->WaitBlock);

    return Status == STATUS_TIMEOUT ? STATUS_SUCCESS : Status;
}

/* For KeRemoveQueue: the status of a satisfied wait is the entry's address. */
LONG_PTR KiWaitOnQueue(PKQUEUE Queue, KPROCESSOR_MODE Mode, PLARGE_INTEGER Timeout)
{
    PVOID Objects[1] = {Queue};

    return KiWait(1, Objects, WaitAny, WrQueue, Mode, FALSE, Timeout, KiCurrentThread()->WaitBlock);
}

/* Alerts. */

NTEXPORT(KeAlertThread, DISPATCH_LEVEL, "thread");
BOOLEAN NTAPI KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Old = Thread->Alerted[(ULONG)AlertMode];

    if (!Old)
    {
        if (Thread->Rd.state == RD_THREAD_WAITING && Thread->Alertable
            && AlertMode <= Thread->WaitMode)
        {
            KiTryUnwaitThread(Thread, STATUS_ALERTED, 2);
        }
        else
        {
            Thread->Alerted[(ULONG)AlertMode] = TRUE;
        }
    }
    __writecr8(OldIrql);
    return Old;
}

NTEXPORT(KeTestAlertThread, APC_LEVEL, "thread");
BOOLEAN NTAPI KeTestAlertThread(KPROCESSOR_MODE AlertMode)
{
    PKTHREAD Thread = KiCurrentThread();
    BOOLEAN Old = Thread->Alerted[(ULONG)AlertMode];

    if (Old)
    {
        Thread->Alerted[(ULONG)AlertMode] = FALSE;
    }
    else if (AlertMode != KernelMode && !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode]))
    {
        Thread->ApcState.UserApcPending = TRUE;
    }
    return Old;
}
