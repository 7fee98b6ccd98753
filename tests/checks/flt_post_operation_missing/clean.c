/* Without a post-operation callback none is asked for. */
#include "../flt.h"

static FLT_PREOP_CALLBACK_STATUS FLTAPI PreCreate(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static const FLT_OPERATION_REGISTRATION Operations[] = {{.MajorFunction = IRP_MJ_CREATE, .PreOperation = PreCreate},
                                                        {.MajorFunction = IRP_MJ_OPERATION_END}};

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    FilterStart(DeviceObject, Operations, NULL);
    FilterOpenFile();
    FltUnregisterFilter(Filter);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
