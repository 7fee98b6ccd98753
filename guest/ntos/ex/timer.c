/*
 * System-allocated timers (EX_TIMER). ExDeleteTimer disables the timer first, so that no later set or cancel has
 * an effect; with Cancel and Wait it returns when neither callback can run any more (nt-semantics D8).
 */
#include "guest/include/exp.h"

#define EXP_TIMER_TAG 'mTxE'
#define EXP_TIMER_NOTIFICATION 0x10u
#define EXP_TIMER_ATTRIBUTES 0x1Eu /* high resolution 4, no wake 8, notification 0x10, and 2 */

typedef struct _EX_TIMER
{
    KTIMER Timer; /* first: EX_TIMER is a dispatcher object */
    KDPC Dpc;
    PEXT_CALLBACK Callback;
    PVOID Context;
    PEXT_DELETE_CALLBACK DeleteCallback;
    PVOID DeleteContext;
    BOOLEAN Deleting;
    BOOLEAN Running;
    PKEVENT DeleteDone; /* of the thread that waits for the deletion */
} EX_TIMER;

static VOID ExpFinishTimer(PEX_TIMER Timer)
{
    PEXT_DELETE_CALLBACK Callback = Timer->DeleteCallback;
    PVOID Context = Timer->DeleteContext;
    PKEVENT Done = Timer->DeleteDone;

    ExFreePool(Timer);
    if (Callback != NULL)
    {
        Callback(Context);
    }
    if (Done != NULL)
    {
        KeSetEvent(Done, 0, FALSE);
    }
}

static VOID NTAPI ExpTimerDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PEX_TIMER Timer = Context;

    Timer->Running = TRUE;
    if (Timer->Callback != NULL)
    {
        Timer->Callback(Timer, Timer->Context);
    }
    Timer->Running = FALSE;
    if (Timer->Deleting && !Timer->Timer.Header.Inserted && Timer->Dpc.DpcData == NULL)
    {
        ExpFinishTimer(Timer);
    }
}

NTEXPORT(ExAllocateTimer, DISPATCH_LEVEL, "timer pool");
PEX_TIMER NTAPI ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes)
{
    PEX_TIMER Timer;

    if (Attributes & ~EXP_TIMER_ATTRIBUTES)
    {
        return NULL;
    }
    Timer = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Timer), EXP_TIMER_TAG);
    if (Timer == NULL)
    {
        return NULL;
    }
    RtlZeroMemory(Timer, sizeof(*Timer));
    KeInitializeTimerEx(&Timer->Timer,
        Attributes & EXP_TIMER_NOTIFICATION ? NotificationTimer : SynchronizationTimer);
    KeInitializeDpc(&Timer->Dpc, ExpTimerDpcRoutine, Timer);
    Timer->Callback = Callback;
    Timer->Context = CallbackContext;
    return Timer;
}

/* Period is in 100 ns here, in milliseconds for KTIMERs: a fraction counts as a whole one. */
NTEXPORT(ExSetTimer, DISPATCH_LEVEL, "timer");
BOOLEAN NTAPI ExSetTimer(
    PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period, PEXT_SET_PARAMETERS Parameters)
{
    LARGE_INTEGER Due;

    if (Timer->Deleting)
    {
        return FALSE;
    }
    Due.QuadPart = DueTime;
    return KeSetTimerEx(&Timer->Timer, Due, (LONG)((Period + 9999) / 10000), &Timer->Dpc);
}

NTEXPORT(ExCancelTimer, DISPATCH_LEVEL, "timer");
BOOLEAN NTAPI ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters)
{
    return !Timer->Deleting && KeCancelTimer(&Timer->Timer);
}

NTEXPORT(ExDeleteTimer, DISPATCH_LEVEL, "timer pool");
BOOLEAN NTAPI ExDeleteTimer(
    PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait, PEXT_DELETE_PARAMETERS Parameters)
{
    BOOLEAN Cancelled = FALSE;
    KEVENT Done;

    Timer->Deleting = TRUE;
    if (Parameters != NULL)
    {
        Timer->DeleteCallback = Parameters->DeleteCallback;
        Timer->DeleteContext = Parameters->DeleteContext;
    }
    if (Cancel || Timer->Timer.Period != 0)
    {
        Cancelled = KeCancelTimer(&Timer->Timer);
    }
    if (Cancel && Wait)
    {
        KeInitializeEvent(&Done, NotificationEvent, FALSE);
        Timer->DeleteDone = &Done;
    }
    if (!Timer->Running && !Timer->Timer.Header.Inserted && Timer->Dpc.DpcData == NULL)
    {
        ExpFinishTimer(Timer);
    }
    if (Cancel && Wait)
    {
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    }
    return Cancelled;
}
