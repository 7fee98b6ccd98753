/* The twin of bad.c without the mistake: the function waits until the thread has taken its arguments. */
#include "../check.h"

typedef struct _ARGUMENTS
{
    KEVENT Taken;
    ULONG Value;
} ARGUMENTS;

static volatile ULONG Result;

static VOID NTAPI ThreadRoutine(PVOID Context)
{
    ARGUMENTS *Arguments = Context;

    Result = Arguments->Value;
    KeSetEvent(&Arguments->Taken, IO_NO_INCREMENT, FALSE);
}

static DECLSPEC_NOINLINE VOID StartThread(CHECK_THREAD *Thread)
{
    ARGUMENTS Arguments;

    Arguments.Value = 7;
    KeInitializeEvent(&Arguments.Taken, NotificationEvent, FALSE);
    CheckStartThread(Thread, ThreadRoutine, &Arguments);
    KeWaitForSingleObject(&Arguments.Taken, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    CHECK_THREAD Thread;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    StartThread(&Thread);
    CheckJoinThread(&Thread);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
