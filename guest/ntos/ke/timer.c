/*
 * Timers and time. Armed timers stand in one list in the order of their due times; processor 0 is told the
 * earliest one and takes a clock interrupt for it at any later point that the explorer picks. Expiry signals
 * the timer and queues its DPC on processor 0.
 *
 * Rules: cancelling a timer that has expired returns FALSE although its DPC may still be queued or running; a
 * periodic timer is re-armed before its DPC is queued, so cancelling it says nothing about the DPC
 * (nt-semantics D5).
 */
#include "guest/include/ki.h"

/* System time at boot: 1 January 2015, in 100 ns since 1601. */
#define KI_BOOT_TIME 130645440000000000ll
static LIST_ENTRY KiTimerList = {&KiTimerList, &KiTimerList};

ULONG64 KiSystemTimeToMachineTime(LONG64 SystemTime)
{
    return SystemTime <= KI_BOOT_TIME ? 0 : (ULONG64)(SystemTime - KI_BOOT_TIME);
}

LONG64 KiSystemTime(VOID)
{
    return KI_BOOT_TIME + (LONG64)RdTime();
}

/* A timer that its neighbour in the list, or its due time, makes the kernel touch. */
static VOID KiTouchTimer(PLIST_ENTRY Entry)
{
    PKTIMER Timer = CONTAINING_RECORD(Entry, KTIMER, TimerListEntry);

    if (Entry != &KiTimerList)
    {
        RdCheckObject(Timer, sizeof(*Timer));
    }
}

static VOID KiArmFirstTimer(VOID)
{
    KiTouchTimer(KiTimerList.Flink);
    if (IsListEmpty(&KiTimerList))
    {
        RdArmTimer(~0ull);
        return;
    }
    RdArmTimer(
        (ULONG64)CONTAINING_RECORD(KiTimerList.Flink, KTIMER, TimerListEntry)->DueTime.QuadPart);
}

VOID KiInsertTimer(PKTIMER Timer, ULONG64 Due)
{
    PLIST_ENTRY Entry = KiTimerList.Blink;

    KiTouchTimer(Entry);
    Timer->DueTime.QuadPart = Due;
    Timer->Header.Inserted = TRUE;
    while (Entry != &KiTimerList
        && CONTAINING_RECORD(Entry, KTIMER, TimerListEntry)->DueTime.QuadPart > Due)
    {
        if (Entry->Blink->Flink != Entry)
        {
            KeBugCheckEx(RDBC_KERNEL_SECURITY_CHECK_FAILURE, 3, 0, 0, 0);
        }
        Entry = Entry->Blink;
        KiTouchTimer(Entry);
    }
    InsertHeadList(Entry, &Timer->TimerListEntry);
    if (KiTimerList.Flink == &Timer->TimerListEntry)
    {
        KiArmFirstTimer();
    }
}

VOID KiRemoveTimer(PKTIMER Timer)
{
    BOOLEAN First = KiTimerList.Flink == &Timer->TimerListEntry;

    RdForgetObject(Timer);
    KiTouchTimer(Timer->TimerListEntry.Flink);
    KiTouchTimer(Timer->TimerListEntry.Blink);
    KiRemoveEntry(&Timer->TimerListEntry);
    Timer->Header.Inserted = FALSE;
    if (First)
    {
        KiArmFirstTimer();
    }
}

/* An armed timer that lies in the range (or whose DPC object does, or its DPC's routine); for the verifier. What frees
 * or unloads the range is ordered with whoever arms and cancels there already, so looking adds no footprint. */
NOLOG PKTIMER KiFindTimer(ULONG64 Start, ULONG64 End, BOOLEAN ByDpc)
{
    PKTIMER Found = NULL;
    PLIST_ENTRY Entry;

    for (Entry = KiTimerList.Flink; Entry != &KiTimerList; Entry = Entry->Flink)
    {
        PKTIMER Timer = CONTAINING_RECORD(Entry, KTIMER, TimerListEntry);
        PKDPC Dpc = Timer->Dpc;
        BOOLEAN Inside = !ByDpc
            ? KiInRange(Timer, Start, End)
            : Dpc != NULL
                && (KiInRange(Dpc, Start, End)
                    || KiInRange((PVOID)(ULONG_PTR)Dpc->DeferredRoutine, Start, End));
        if (Inside && (Found == NULL || Timer < Found))
        {
            Found = Timer;
        }
    }
    return Found;
}

/* Clock interrupt. */
VOID KiTimerExpiration(VOID)
{
    ULONG64 Now = RdTime();

    while (!IsListEmpty(&KiTimerList))
    {
        PKTIMER Timer = CONTAINING_RECORD(KiTimerList.Flink, KTIMER, TimerListEntry);
        ULONG64 Due;
        PKDPC Dpc;

        KiTouchTimer(&Timer->TimerListEntry);
        Due = (ULONG64)Timer->DueTime.QuadPart;
        Dpc = Timer->Dpc;
        if (Due > Now)
        {
            break;
        }
        KiTouchTimer(Timer->TimerListEntry.Flink);
        KiRemoveEntry(&Timer->TimerListEntry);
        Timer->Header.Inserted = FALSE;
        if (Timer->Period == 0)
        {
            RdForgetObject(Timer);
        }
        RdEvent(RD_EVENT_TIMER, RD_ADDRESS(Timer), Due, 0);
        if (Timer->Period != 0)
        {
            KiInsertTimer(Timer, Due + Timer->Period * 10000ull);
        }
        Timer->Header.SignalState = 1;
        if (!IsListEmpty(&Timer->Header.WaitListHead))
        {
            KiWaitTest(&Timer->Header, 0);
        }
        if (Dpc != NULL)
        {
            LONG64 SystemTime = KI_BOOT_TIME + (LONG64)Now;

            RdCheckFrame(Dpc, &Timer->Dpc, sizeof(*Dpc), RD_FRAME_LINK);
            RdHoldObject(Dpc, RD_HOLD_DPC);
            KiInsertQueueDpc(Dpc, (PVOID)(ULONG_PTR)(ULONG)SystemTime,
                (PVOID)(ULONG_PTR)(ULONG)(SystemTime >> 32));
        }
    }
    KiArmFirstTimer();
}

NTEXPORT(KeInitializeTimerEx, ANY_LEVEL, "timer");
VOID NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    RtlZeroMemory(Timer, sizeof(*Timer));
    Timer->Header.Type = (UCHAR)(KI_TIMER_NOTIFICATION + Type);
    InitializeListHead(&Timer->Header.WaitListHead);
}

NTEXPORT(KeInitializeTimer, ANY_LEVEL, "timer");
VOID NTAPI KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}

NTEXPORT(KeSetTimerEx, DISPATCH_LEVEL, "timer dpc");
BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Inserted = Timer->Header.Inserted;

    if (Inserted)
    {
        KiRemoveTimer(Timer);
    }
    Timer->Header.SignalState = 0;
    Timer->Dpc = Dpc;
    Timer->Period = (ULONG)Period;
    RdHoldObject(Timer, RD_HOLD_TIMER);
    RdHoldFrame(Dpc, &Timer->Dpc, RD_HOLD_DPC);
    KiInsertTimer(Timer, DueTime.QuadPart <= 0 ? RdTime() + (ULONG64)-DueTime.QuadPart
                                               : KiSystemTimeToMachineTime(DueTime.QuadPart));
    __writecr8(OldIrql);
    return Inserted;
}

NTEXPORT(KeSetTimer, DISPATCH_LEVEL, "timer dpc");
BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, 0, Dpc);
}

NTEXPORT(KeSetCoalescableTimer, DISPATCH_LEVEL, "timer dpc");
BOOLEAN NTAPI KeSetCoalescableTimer(
    PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period, ULONG TolerableDelay, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, (LONG)Period, Dpc);
}

NTEXPORT(KeCancelTimer, DISPATCH_LEVEL, "timer");
BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Inserted = Timer->Header.Inserted;

    if (Inserted)
    {
        KiRemoveTimer(Timer);
    }
    __writecr8(OldIrql);
    return Inserted;
}

NTEXPORT(KeReadStateTimer, DISPATCH_LEVEL, "timer");
BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
    return (BOOLEAN)Timer->Header.SignalState;
}

/* Clocks. All of them show the machine's virtual time. */

#undef KeQuerySystemTime
NTEXPORT(KeQuerySystemTime, ANY_LEVEL, "time");
VOID NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = KiSystemTime();
}

NTEXPORT(KeQuerySystemTimePrecise, ANY_LEVEL, "time");
VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = KiSystemTime();
}

#undef KeQueryInterruptTime
NTEXPORT(KeQueryInterruptTime, ANY_LEVEL, "time");
ULONGLONG NTAPI KeQueryInterruptTime(VOID)
{
    return RdTime();
}

NTEXPORT(KeQueryInterruptTimePrecise, ANY_LEVEL, "time");
ULONG64 NTAPI KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp)
{
    *QpcTimeStamp = RdTime();
    return RdTime();
}

NTEXPORT(KeQueryUnbiasedInterruptTime, ANY_LEVEL, "time");
ULONGLONG NTAPI KeQueryUnbiasedInterruptTime(VOID)
{
    return RdTime();
}

#undef KeQueryTickCount
NTEXPORT(KeQueryTickCount, ANY_LEVEL, "time");
VOID NTAPI KeQueryTickCount(PLARGE_INTEGER TickCount)
{
    TickCount->QuadPart = (LONG64)(RdTime() / KI_TICK);
}

NTEXPORT(KeQueryTimeIncrement, ANY_LEVEL, "time");
ULONG NTAPI KeQueryTimeIncrement(VOID)
{
    return KI_TICK;
}

NTEXPORT(KeQueryPerformanceCounter, ANY_LEVEL, "time");
LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER Frequency)
{
    LARGE_INTEGER Counter;

    if (Frequency != NULL)
    {
        Frequency->QuadPart = 10000000;
    }
    Counter.QuadPart = (LONG64)RdTime();
    return Counter;
}

/* Time does not pass while a processor stalls, but others may run. */
NTEXPORT(KeStallExecutionProcessor, ANY_LEVEL, "");
VOID NTAPI KeStallExecutionProcessor(ULONG Microseconds)
{
    RdSchedule();
}

NTEXPORT(ExSystemTimeToLocalTime, ANY_LEVEL, "");
VOID NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime)
{
    *LocalTime = *SystemTime;
}

NTEXPORT(ExLocalTimeToSystemTime, ANY_LEVEL, "");
VOID NTAPI ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime)
{
    *SystemTime = *LocalTime;
}

NTEXPORT(ExQueryTimerResolution, APC_LEVEL, "");
VOID NTAPI ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime)
{
    *MaximumTime = KI_TICK;
    *MinimumTime = KI_TICK;
    *CurrentTime = KI_TICK;
}

NTEXPORT(ExSetTimerResolution, APC_LEVEL, "");
ULONG NTAPI ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution)
{
    return KI_TICK;
}
