/*
 * A volume is dismounted and goes with its last file: a minifilter's instance on it goes too, and for that reason. Nobody is
 * asked.
 */
#include <fltKernel.h>

#include "../load.h"

static PFLT_FILTER Filter;
static ULONG Queries, Starts, Completes;
static FLT_INSTANCE_TEARDOWN_FLAGS Reason;

static NTSTATUS FLTAPI Query(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_QUERY_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Flags);
    Queries++;
    return STATUS_FLT_DO_NOT_DETACH;
}

static VOID FLTAPI TeardownStart(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    Starts++;
    Reason = Flags;
}

static VOID FLTAPI TeardownComplete(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Flags);
    Completes++;
}

static NTSTATUS FLTAPI Unload(FLT_FILTER_UNLOAD_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    LoadPlan(3);
    LoadOk(Starts == 1 && Completes == 1, "DismountTearsTheInstanceDownOnce");
    LoadOk(Reason == FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT, "TeardownKnowsThatItIsADismount");
    LoadOk(Queries == 0, "DismountAsksNobody");
    FltUnregisterFilter(Filter);
    return STATUS_SUCCESS;
}

static const FLT_OPERATION_REGISTRATION Operations[] = {{.MajorFunction = IRP_MJ_OPERATION_END}};
static const FLT_REGISTRATION Registration = {
    .Size = sizeof(FLT_REGISTRATION),
    .Version = FLT_REGISTRATION_VERSION,
    .OperationRegistration = Operations,
    .FilterUnloadCallback = Unload,
    .InstanceQueryTeardownCallback = Query,
    .InstanceTeardownStartCallback = TeardownStart,
    .InstanceTeardownCompleteCallback = TeardownComplete,
};

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = FltRegisterFilter(DriverObject, &Registration, &Filter);

    UNREFERENCED_PARAMETER(RegistryPath);
    return NT_SUCCESS(Status) ? FltStartFiltering(Filter) : Status;
}
