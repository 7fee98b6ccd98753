/*
 * APC environments: a thread that is attached to another process takes the APCs of that environment
 * only; those of its own process wait until it is back. Needs a thread with a process of its own,
 * so a program's request is where the driver looks.
 */
#include "../load.h"
#include "apc.h"

static PDEVICE_OBJECT Device;
static volatile LONG Calls;
static KAPC Apc;
static KAPC_STATE Saved;

static LONG Delivered[4], Later[4]; /* by environment: while attached, after */
static LONG BeforeAttaching, HeldInside;
static BOOLEAN StateIndexWhileAttached;

static VOID NTAPI Count(PKAPC Which, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                        PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Which);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&Calls);
}

static VOID Initialize(APC_ENVIRONMENT Environment)
{
    KeInitializeApc(&Apc, KeGetCurrentThread(), Environment, Count, NULL, NULL, KernelMode, NULL);
}

static VOID QueueWhileAttached(APC_ENVIRONMENT Environment)
{
    Calls = 0;
    KeStackAttachProcess((PKPROCESS)PsInitialSystemProcess, &Saved);
    Initialize(Environment);
    KeInsertQueueApc(&Apc, NULL, NULL, 0);
    Delivered[Environment] = Calls;
    KeUnstackDetachProcess(&Saved);
    Later[Environment] = Calls;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
    {
        ULONG Environment;

        for (Environment = ApcOriginalEnvironment; Environment <= ApcInsertEnvironment; Environment++)
        {
            QueueWhileAttached((APC_ENVIRONMENT)Environment);
        }
        /* For the environment that is current when the KAPC is initialised: not when it is queued. */
        Calls = 0;
        Initialize(ApcCurrentEnvironment);
        KeStackAttachProcess((PKPROCESS)PsInitialSystemProcess, &Saved);
        StateIndexWhileAttached = IoGetCurrentProcess() == PsInitialSystemProcess;
        KeInsertQueueApc(&Apc, NULL, NULL, 0);
        HeldInside = Calls;
        KeUnstackDetachProcess(&Saved);
        BeforeAttaching = Calls;
    }
    if (Location->MajorFunction == IRP_MJ_CLOSE)
    {
        LoadPlan(6);
        LoadOk(StateIndexWhileAttached, "ThreadOfAProgramCanBeAttachedToTheSystemProcess");
        LoadOk(Delivered[ApcOriginalEnvironment] == 0 && Later[ApcOriginalEnvironment] == 1,
               "ApcOfTheOriginalEnvironmentWaitsForTheDetach");
        LoadOk(Delivered[ApcAttachedEnvironment] == 1 && Later[ApcAttachedEnvironment] == 1,
               "ApcOfTheAttachedEnvironmentIsDeliveredWhileAttached");
        LoadOk(Delivered[ApcCurrentEnvironment] == 1, "CurrentEnvironmentIsThatOfTheInitialization");
        LoadOk(HeldInside == 0 && BeforeAttaching == 1,
               "CurrentEnvironmentDoesNotFollowALaterAttach");
        LoadOk(Delivered[ApcInsertEnvironment] == 1, "InsertEnvironmentIsThatOfTheInsertion");
    }
    return LoadComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    return LoadCreateDevice(DriverObject, &Device);
}
