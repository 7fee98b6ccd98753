/* What the callbacks use is freed before the filter is unregistered: they still run. */
#include "../flt.h"

static PLONG Opens;

static FLT_PREOP_CALLBACK_STATUS FLTAPI PreCreate(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(Opens);
    return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static const FLT_OPERATION_REGISTRATION Operations[] = {{.MajorFunction = IRP_MJ_CREATE, .PreOperation = PreCreate},
                                                        {.MajorFunction = IRP_MJ_OPERATION_END}};

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    Opens = ExAllocatePoolWithTag(NonPagedPool, sizeof *Opens, CHECK_TAG);
    FilterStart(DeviceObject, Operations, NULL);
    ExFreePoolWithTag(Opens, CHECK_TAG);
    FltUnregisterFilter(Filter);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
