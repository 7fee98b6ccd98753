/*
 * Remedy: count the APCs, and let unload wait for the last one, but for ten seconds at most.
 *
 * Unsound: a user-mode APC stays in its thread's queue for as long as the thread is not alertable,
 * so one of its routines can be entered long after the ten seconds and the image are over.
 */
#include "apc_unload.h"

#define TEN_SECONDS (-10LL * 10 * 1000 * 1000)

static volatile LONG Outstanding;
static KEVENT NoneOutstanding;

VOID RemedyInitialize(VOID)
{
    /* The driver itself counts as one until it unloads, so that the event is set once. */
    Outstanding = 1;
    KeInitializeEvent(&NoneOutstanding, NotificationEvent, FALSE);
}

static VOID OneLess(VOID)
{
    if (InterlockedDecrement(&Outstanding) == 0)
    {
        KeSetEvent(&NoneOutstanding, IO_NO_INCREMENT, FALSE);
    }
}

VOID RemedyBeforeInsert(PAPC_REQUEST Request)
{
    UNREFERENCED_PARAMETER(Request);
    InterlockedIncrement(&Outstanding);
}

VOID RemedyInsertFailed(PAPC_REQUEST Request)
{
    UNREFERENCED_PARAMETER(Request);
    OneLess();
}

VOID NTAPI RemedyKernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                               PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    *NormalRoutine = NULL;
    ExFreePoolWithTag(Apc, APC_UNLOAD_TAG);
    OneLess();
}

VOID NTAPI RemedyRundownRoutine(PKAPC Apc)
{
    ExFreePoolWithTag(Apc, APC_UNLOAD_TAG);
    OneLess();
}

VOID RemedyUnload(VOID)
{
    LARGE_INTEGER Timeout;

    OneLess();
    Timeout.QuadPart = TEN_SECONDS;
    KeWaitForSingleObject(&NoneOutstanding, Executive, KernelMode, FALSE, &Timeout);
}
