/*
 * A minifilter that is detached, attached and unloaded from outside, as FilterDetach, FilterAttach and FilterUnload of the
 * user-mode library do it. It refuses to be unloaded until a service stop, which cannot be refused.
 */
#include <fltKernel.h>

#include "../load.h"

static PFLT_FILTER Filter;
static ULONG Setups, SetupFlags, Queries, Teardowns, Creates, Refusals, Mandatory;

static NTSTATUS FLTAPI Setup(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_SETUP_FLAGS Flags, DEVICE_TYPE Type,
                             FLT_FILESYSTEM_TYPE FileSystem)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Type);
    UNREFERENCED_PARAMETER(FileSystem);
    Setups++;
    SetupFlags = Flags;
    return STATUS_SUCCESS;
}

static NTSTATUS FLTAPI Query(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_QUERY_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Flags);
    Queries++;
    return STATUS_SUCCESS;
}

static VOID FLTAPI Teardown(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Flags);
    Teardowns++;
}

static FLT_PREOP_CALLBACK_STATUS FLTAPI PreCreate(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    Creates++;
    return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* The verbs' statuses are the scenario's business. */
static VOID Judge(VOID)
{
    LoadPlan(6);
    LoadOk(Queries == 1, "OnlyDetachingAsksWhetherItMay");
    LoadOk(Setups == 2 && SetupFlags == FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT, "AttachingSetsAnInstanceUpByHand");
    LoadOk(Creates == 2, "AFilterIsCalledWhileItIsAttachedAndNotWhileItIsDetached");
    LoadOk(Refusals == 1, "UnloadingMayBeRefusedAndTheFilterGoesOn");
    LoadOk(Mandatory == 1, "AServiceStopIsMandatory");
    LoadOk(Teardowns == 2, "UnregisteringTearsTheInstanceDown");
}

static NTSTATUS FLTAPI Unload(FLT_FILTER_UNLOAD_FLAGS Flags)
{
    if (!(Flags & FLTFL_FILTER_UNLOAD_MANDATORY))
    {
        Refusals++;
        return STATUS_FLT_DO_NOT_DETACH;
    }
    Mandatory++;
    FltUnregisterFilter(Filter);
    Judge();
    return STATUS_FLT_DO_NOT_DETACH; /* nobody looks */
}

static const FLT_OPERATION_REGISTRATION Operations[] = {{.MajorFunction = IRP_MJ_CREATE, .PreOperation = PreCreate},
                                                        {.MajorFunction = IRP_MJ_OPERATION_END}};
static const FLT_REGISTRATION Registration = {
    .Size = sizeof(FLT_REGISTRATION),
    .Version = FLT_REGISTRATION_VERSION,
    .OperationRegistration = Operations,
    .FilterUnloadCallback = Unload,
    .InstanceSetupCallback = Setup,
    .InstanceQueryTeardownCallback = Query,
    .InstanceTeardownCompleteCallback = Teardown,
};

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = FltRegisterFilter(DriverObject, &Registration, &Filter);

    UNREFERENCED_PARAMETER(RegistryPath);
    return NT_SUCCESS(Status) ? FltStartFiltering(Filter) : Status;
}
