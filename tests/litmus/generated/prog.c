/* Interprets the program that a test has written into this image: each body runs its list of operations on what all
 * of them share (program.h). */
#include "../litmus.h"
#include "program.h"
#include "../../../samples/000-apc-unload/apc.h"

typedef struct DECLSPEC_ALIGN(64) _OBJECTS
{
    KEVENT Event;
    KSPIN_LOCK Lock;
} OBJECTS;

/* Volatile: the compiler must not know what they hold. */
static volatile struct generated_program DECLSPEC_ALIGN(64) Program = {.magic = GENERATED_MAGIC};
static struct generated_results DECLSPEC_ALIGN(64) Results = {.magic = GENERATED_RESULTS_MAGIC};
static OBJECTS Objects[3];
static FAST_MUTEX Mutex;
static struct DECLSPEC_ALIGN(64)
{
    KAPC Apc;
} Apcs[GENERATED_THREADS][GENERATED_LENGTH];
static struct DECLSPEC_ALIGN(64)
{
    KTIMER Timer;
    KDPC Dpc;
} Timers[GENERATED_THREADS][GENERATED_LENGTH];

static VOID NTAPI Expired(PKDPC Dpc, PVOID Cell, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    Results.cells[(ULONG_PTR)Cell].value = Results.cells[(ULONG_PTR)Cell].value + 1;
}

static VOID Arm(ULONG Number, ULONG Index, ULONG Cell, ULONG Milliseconds)
{
    LARGE_INTEGER Due = {.QuadPart = -10000ll * Milliseconds};

    KeInitializeDpc(&Timers[Number][Index].Dpc, Expired, (PVOID)(ULONG_PTR)Cell);
    KeSetTimer(&Timers[Number][Index].Timer, Due, &Timers[Number][Index].Dpc);
}

static LONG Cancel(ULONG Number)
{
    LONG Armed = 0;
    ULONG Index;

    for (Index = 0; Index < GENERATED_LENGTH; Index++)
    {
        if (Program.code[Number][Index].op == GENERATED_TIMER)
        {
            Armed += KeCancelTimer(&Timers[Number][Index].Timer);
        }
    }
    return Armed;
}

static VOID Begin(ULONG Count)
{
    UNREFERENCED_PARAMETER(Count);
    LitmusBodies = Program.threads;
}

VOID LitmusInitialize(VOID)
{
    ULONG Number;

    KeInitializeEvent(&Objects[0].Event, NotificationEvent, FALSE);
    KeInitializeEvent(&Objects[1].Event, NotificationEvent, FALSE);
    KeInitializeEvent(&Objects[2].Event, SynchronizationEvent, FALSE);
    KeInitializeSpinLock(&Objects[0].Lock);
    KeInitializeSpinLock(&Objects[1].Lock);
    ExInitializeFastMutex(&Mutex);
    for (Number = 0; Number < GENERATED_THREADS * GENERATED_LENGTH; Number++)
    {
        KeInitializeTimer(&Timers[Number / GENERATED_LENGTH][Number % GENERATED_LENGTH].Timer);
    }
    LitmusBodies = GENERATED_THREADS;
    LitmusBegin = Begin;
}

static VOID NTAPI AddOne(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext, PVOID *First, PVOID *Second)
{
    ULONG_PTR Cell = (ULONG_PTR)*First;

    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Second);
    Results.cells[Cell].value = Results.cells[Cell].value + 1;
}

static VOID SendApc(PKAPC Apc, ULONG Cell, ULONG Thread)
{
    KeInitializeApc(Apc, LitmusThreads[Thread], ApcOriginalEnvironment, AddOne, NULL, NULL, KernelMode, NULL);
    KeInsertQueueApc(Apc, (PVOID)(ULONG_PTR)Cell, NULL, 0);
}

VOID LitmusBody(ULONG Number)
{
    LARGE_INTEGER Now = {0}, Due;
    LONG Result = 0;
    ULONG Index;
    KIRQL Irql;

    for (Index = 0; Index < GENERATED_LENGTH; Index++)
    {
        ULONG A = Program.code[Number][Index].a, B = Program.code[Number][Index].b;
        volatile LONG *Cell = (volatile LONG *)&Results.cells[A].value;
        LONG Taken = -1;

        switch (Program.code[Number][Index].op)
        {
        case GENERATED_STORE:
            *Cell = (LONG)B;
            break;
        case GENERATED_LOAD:
            Taken = *Cell;
            break;
        case GENERATED_INCREMENT:
            InterlockedIncrement(Cell);
            break;
        case GENERATED_FETCH:
            Taken = InterlockedIncrement(Cell);
            break;
        case GENERATED_COMPARE:
            Taken = InterlockedCompareExchange(Cell, (LONG)B + 1, 0);
            break;
        case GENERATED_ADD:
            *Cell = *Cell + (LONG)B + 1;
            break;
        case GENERATED_SPIN:
            KeAcquireSpinLock(&Objects[B % 2].Lock, &Irql);
            *Cell = *Cell + (LONG)B + 1;
            KeReleaseSpinLock(&Objects[B % 2].Lock, Irql);
            break;
        case GENERATED_MUTEX:
            ExAcquireFastMutex(&Mutex);
            *Cell = *Cell + (LONG)B + 1;
            ExReleaseFastMutex(&Mutex);
            break;
        case GENERATED_SET:
            Taken = KeSetEvent(&Objects[A].Event, IO_NO_INCREMENT, FALSE);
            Taken = B % 2 != 0 ? Taken : -1;
            break;
        case GENERATED_CLEAR:
            KeClearEvent(&Objects[A].Event);
            break;
        case GENERATED_WAIT:
            AWAIT(Objects[A].Event);
            break;
        case GENERATED_POLL:
            Taken = KeWaitForSingleObject(&Objects[A].Event, Executive, KernelMode, FALSE, &Now) == STATUS_SUCCESS;
            break;
        case GENERATED_APC:
            SendApc(&Apcs[Number][Index].Apc, A, B);
            break;
        case GENERATED_SLEEP:
            Due.QuadPart = -10000ll * (LONG)(B + 1);
            Taken = KeWaitForSingleObject(&Objects[A].Event, Executive, KernelMode, FALSE, &Due) == STATUS_SUCCESS;
            break;
        case GENERATED_TIMER:
            Arm(Number, Index, A, B + 1);
            break;
        case GENERATED_CANCEL:
            Taken = Cancel(B);
            break;
        case GENERATED_CHECK:
            if (*Cell == (LONG)B)
            {
                KeBugCheckEx(LITMUS_BUGCHECK, Number, Index, 0, 0);
            }
            break;
        default:
            return;
        }
        /* How far it came, and what it has seen: part of the final state. */
        Result = Result * 11 + Taken + 2;
        Results.results[Number].value = Result;
    }
}
