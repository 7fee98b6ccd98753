/*
 * The same mistake in a minifilter: on one path the pre-operation callback returns with its push lock held, and with it in the
 * critical region that FltAcquirePushLockShared has entered on its behalf. The dispatch routine that comes back with
 * another count is the filter manager's, for every filter on the volume.
 */
#include <fltKernel.h>

static PFLT_FILTER FilterHandle;
static EX_PUSH_LOCK RulesLock;
static ULONG RuleCount;

static FLT_PREOP_CALLBACK_STATUS FLTAPI PreCreate(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS FltObjects,
                                                  PVOID *CompletionContext)
{
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(FltObjects);
    UNREFERENCED_PARAMETER(CompletionContext);
    FltAcquirePushLockShared(&RulesLock);
    if (RuleCount == 0)
    {
        return FLT_PREOP_SUCCESS_NO_CALLBACK; /* nothing to look up: the lock is forgotten */
    }
    FltReleasePushLock(&RulesLock);
    return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static NTSTATUS FLTAPI FilterUnload(FLT_FILTER_UNLOAD_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    FltUnregisterFilter(FilterHandle);
    FltDeletePushLock(&RulesLock);
    return STATUS_SUCCESS;
}

static const FLT_OPERATION_REGISTRATION Operations[] = {{.MajorFunction = IRP_MJ_CREATE, .PreOperation = PreCreate},
                                                        {.MajorFunction = IRP_MJ_OPERATION_END}};

static const FLT_REGISTRATION Registration = {
    .Size = sizeof(FLT_REGISTRATION),
    .Version = FLT_REGISTRATION_VERSION,
    .OperationRegistration = Operations,
    .FilterUnloadCallback = FilterUnload,
};

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    FltInitializePushLock(&RulesLock);
    Status = FltRegisterFilter(DriverObject, &Registration, &FilterHandle);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = FltStartFiltering(FilterHandle);
    if (!NT_SUCCESS(Status))
    {
        FltUnregisterFilter(FilterHandle);
    }
    return Status;
}
