/*
 * Remedy: count the APCs, and let unload poll the counter until it is zero, however long that
 * takes.
 *
 * Unsound: the decrement is the routine's last act but not its last instruction. Between it and the
 * return the image has nothing to keep it. (With a target that never becomes alertable nor exits,
 * unload hangs.)
 */
#include "apc_unload.h"

#define POLL_INTERVAL (-10LL * 1000 * 100) /* 100 ms */

static volatile LONG Outstanding;

VOID RemedyInitialize(VOID)
{
    Outstanding = 0;
}

VOID RemedyBeforeInsert(PAPC_REQUEST Request)
{
    UNREFERENCED_PARAMETER(Request);
    InterlockedIncrement(&Outstanding);
}

VOID RemedyInsertFailed(PAPC_REQUEST Request)
{
    UNREFERENCED_PARAMETER(Request);
    InterlockedDecrement(&Outstanding);
}

VOID NTAPI RemedyKernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                               PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    *NormalRoutine = NULL;
    ExFreePoolWithTag(Apc, APC_UNLOAD_TAG);
    InterlockedDecrement(&Outstanding);
}

VOID NTAPI RemedyRundownRoutine(PKAPC Apc)
{
    ExFreePoolWithTag(Apc, APC_UNLOAD_TAG);
    InterlockedDecrement(&Outstanding);
}

VOID RemedyUnload(VOID)
{
    LARGE_INTEGER Interval;

    Interval.QuadPart = POLL_INTERVAL;
    while (Outstanding != 0)
    {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
}
