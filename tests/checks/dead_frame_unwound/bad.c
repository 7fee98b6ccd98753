/*
 * A frame ends by an exception: the function has given its event to a timer's DPC and raises, its caller handles the exception,
 * and the DPC comes when the frame has been unwound.
 */
#include "../check.h"

static KTIMER Timer;
static KDPC Dpc;

static VOID NTAPI DpcRoutine(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

static DECLSPEC_NOINLINE VOID ArmAndRaise(VOID)
{
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, DpcRoutine, &Done);
    KeSetTimer(&Timer, CheckRelative(10), &Dpc);
    if (CheckOpaque(&Done) != NULL)
    {
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    }
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    LARGE_INTEGER Interval = CheckRelative(20);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    __try
    {
        ArmAndRaise();
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
