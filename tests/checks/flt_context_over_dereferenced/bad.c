/* A context that is set on a volume is released once too often: the reference was the volume's. */
#include "../flt.h"

static const FLT_OPERATION_REGISTRATION None[] = {{.MajorFunction = IRP_MJ_OPERATION_END}};
static const FLT_CONTEXT_REGISTRATION Contexts[] = {{.ContextType = FLT_VOLUME_CONTEXT, .Size = 16, .PoolTag = CHECK_TAG},
                                                    {.ContextType = FLT_CONTEXT_END}};

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\HarddiskVolume1");
    PFLT_CONTEXT Context;
    PFLT_VOLUME Volume;

    UNREFERENCED_PARAMETER(Number);
    FilterStart(DeviceObject, None, Contexts);
    FltGetVolumeFromName(Filter, &Name, &Volume);
    FltAllocateContext(Filter, FLT_VOLUME_CONTEXT, 16, NonPagedPool, &Context);
    FltSetVolumeContext(Volume, FLT_SET_CONTEXT_KEEP_IF_EXISTS, Context, NULL);
    FltReleaseContext(Context);
    FltReleaseContext(Context); /* the volume's */
    FltObjectDereference(Volume);
    FltUnregisterFilter(Filter);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
