/*
 * A minifilter that pends an open and is unloaded meanwhile: tearing its instance down begins with TeardownStart, which lets the
 * open go on, and ends behind it.
 */
#include <fltKernel.h>

#include "../load.h"

static PFLT_FILTER Filter;
static PFLT_CALLBACK_DATA volatile Pended;
static KEVENT HasPended;
static volatile LONG Sequence;
static LONG StartAt, PostAt, CompleteAt, UnregisteredAt;

static FLT_PREOP_CALLBACK_STATUS FLTAPI PreCreate(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    Pended = Data;
    KeSetEvent(&HasPended, IO_NO_INCREMENT, FALSE);
    return FLT_PREOP_PENDING;
}

static FLT_POSTOP_CALLBACK_STATUS FLTAPI PostCreate(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID Context,
                                                    FLT_POST_OPERATION_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    PostAt = InterlockedIncrement(&Sequence);
    return FLT_POSTOP_FINISHED_PROCESSING;
}

static VOID FLTAPI TeardownStart(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Flags);
    StartAt = InterlockedIncrement(&Sequence);
    FltCompletePendedPreOperation(Pended, FLT_PREOP_SUCCESS_WITH_CALLBACK, NULL);
}

static VOID FLTAPI TeardownComplete(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Flags);
    CompleteAt = InterlockedIncrement(&Sequence);
}

static NTSTATUS FLTAPI Unload(FLT_FILTER_UNLOAD_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    KeWaitForSingleObject(&HasPended, Executive, KernelMode, FALSE, NULL);
    FltUnregisterFilter(Filter);
    UnregisteredAt = InterlockedIncrement(&Sequence);
    LoadPlan(3);
    LoadOk(StartAt == 1, "TeardownStartComesWhileAnOperationIsPended");
    LoadOk(StartAt < PostAt && PostAt < CompleteAt, "TeardownCompletesBehindThePostOperationOfWhatWasPended");
    LoadOk(CompleteAt < UnregisteredAt, "UnregisteringWaitsForTheTeardown");
    return STATUS_SUCCESS;
}

static const FLT_OPERATION_REGISTRATION Operations[] = {
    {.MajorFunction = IRP_MJ_CREATE, .PreOperation = PreCreate, .PostOperation = PostCreate},
    {.MajorFunction = IRP_MJ_OPERATION_END}};
static const FLT_REGISTRATION Registration = {
    .Size = sizeof(FLT_REGISTRATION),
    .Version = FLT_REGISTRATION_VERSION,
    .OperationRegistration = Operations,
    .FilterUnloadCallback = Unload,
    .InstanceTeardownStartCallback = TeardownStart,
    .InstanceTeardownCompleteCallback = TeardownComplete,
};

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&HasPended, NotificationEvent, FALSE);
    Status = FltRegisterFilter(DriverObject, &Registration, &Filter);
    return NT_SUCCESS(Status) ? FltStartFiltering(Filter) : Status;
}
