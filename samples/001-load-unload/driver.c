/*
 * A minifilter of the document's shape: it has work queues of its own, which its unload callback stops. It filters nothing; the
 * bug is in loading and unloading alone. The variants differ in DriverEntry's order and in what the unload callback
 * waits for first.
 */
#include "isolate.h"

PFLT_FILTER FilterHandle;

static NTSTATUS FLTAPI UnloadCallback(FLT_FILTER_UNLOAD_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    BeforeUnload();
    FltUnregisterFilter(FilterHandle);
    StopWorkerQueues();
    return STATUS_SUCCESS;
}

static const FLT_OPERATION_REGISTRATION Operations[] = {{.MajorFunction = IRP_MJ_OPERATION_END}};

static const FLT_REGISTRATION Registration = {
    .Size = sizeof(FLT_REGISTRATION),
    .Version = FLT_REGISTRATION_VERSION,
    .OperationRegistration = Operations,
    .FilterUnloadCallback = UnloadCallback,
};

NTSTATUS RegisterFilter(PDRIVER_OBJECT DriverObject)
{
    return FltRegisterFilter(DriverObject, &Registration, &FilterHandle);
}
