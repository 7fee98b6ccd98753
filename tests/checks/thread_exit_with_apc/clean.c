/* The twin of bad.c without the mistake: the routine returns, and the thread exits with both delivered. */
#include "../check.h"
#include "apc.h"

static KAPC First, Second;

static VOID NTAPI KernelRoutine(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext, PVOID *Argument1,
                                PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI SecondRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI FirstRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeInsertQueueApc(&Second, NULL, NULL, 0);
}

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeInitializeApc(&First, KeGetCurrentThread(), ApcOriginalEnvironment, KernelRoutine, NULL, FirstRoutine, KernelMode,
                    NULL);
    KeInitializeApc(&Second, KeGetCurrentThread(), ApcOriginalEnvironment, KernelRoutine, NULL, SecondRoutine, KernelMode,
                    NULL);
    KeInsertQueueApc(&First, NULL, NULL, 0);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    CHECK_THREAD Worker;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    CheckStartThread(&Worker, Thread, NULL);
    CheckJoinThread(&Worker);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
