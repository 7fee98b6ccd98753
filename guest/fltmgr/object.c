/*
 * References. An FltObjectReference is run-down protection: it fails once the object's teardown has begun, and the
 * teardown waits for those that were granted (nt-semantics F6, F9). The pointer count below it keeps only the memory.
 */
#include "guest/include/fltp.h"

VOID FltpInitializeObject(PFLT_OBJECT Object, ULONG Type)
{
    Object->Flags = Type;
    Object->PointerCount = 1;
    ExInitializeRundownProtection(&Object->RundownRef);
    InitializeListHead(&Object->PrimaryLink);
}

BOOLEAN FltpReference(PFLT_OBJECT Object)
{
    return !(Object->Flags & FLT_OBFL_DRAINING) && ExAcquireRundownProtection(&Object->RundownRef);
}

VOID FltpDereference(PFLT_OBJECT Object)
{
    ExReleaseRundownProtection(&Object->RundownRef);
}

VOID FltpDrop(PFLT_OBJECT Object)
{
    if (--Object->PointerCount != 0)
    {
        return;
    }
    if (Object->Flags & FLT_OBFL_TYPE_FILTER)
    {
        PFLT_FILTER Filter = CONTAINING_RECORD(Object, FLT_FILTER, Base);
        if (Filter->Operations != NULL)
        {
            ExFreePoolWithTag(Filter->Operations, FLTP_TAG);
        }
        if (Filter->Contexts != NULL)
        {
            ExFreePoolWithTag(Filter->Contexts, FLTP_TAG);
        }
    }
    ExFreePoolWithTag(Object, FLTP_TAG);
}

BOOLEAN FltpCopyName(PUNICODE_STRING To, PWCHAR Buffer, ULONG Characters, PCUNICODE_STRING From)
{
    if (From->Length > Characters * sizeof(WCHAR))
    {
        return FALSE;
    }
    RtlCopyMemory(Buffer, From->Buffer, From->Length);
    To->Buffer = Buffer;
    To->Length = From->Length;
    To->MaximumLength = (USHORT)(Characters * sizeof(WCHAR));
    return TRUE;
}

/* The digits before the point, without leading zeros. */
static ULONG FltpWhole(PCUNICODE_STRING Text, PULONG Start)
{
    ULONG Count = Text->Length / sizeof(WCHAR), At = 0, End;

    while (At < Count && Text->Buffer[At] == L'0')
    {
        At++;
    }
    for (End = At; End < Count && Text->Buffer[End] != L'.'; End++)
    {
    }
    *Start = At;
    return End - At;
}

LONG FltpCompareAltitudes(PCUNICODE_STRING Left, PCUNICODE_STRING Right)
{
    ULONG LeftAt, RightAt;
    ULONG LeftDigits = FltpWhole(Left, &LeftAt), RightDigits = FltpWhole(Right, &RightAt);

    if (LeftDigits != RightDigits)
    {
        return LeftDigits < RightDigits ? -1 : 1;
    }
    for (;; LeftAt++, RightAt++)
    {
        WCHAR A = LeftAt < Left->Length / sizeof(WCHAR) ? Left->Buffer[LeftAt] : 0;
        WCHAR B = RightAt < Right->Length / sizeof(WCHAR) ? Right->Buffer[RightAt] : 0;
        if (A != B)
        {
            return A < B ? -1 : 1;
        }
        if (A == 0)
        {
            return 0;
        }
    }
}

NTEXPORT(FltObjectReference, DISPATCH_LEVEL, "fltobject");
NTSTATUS FLTAPI FltObjectReference(PVOID FltObject)
{
    return FltpReference(FltObject) ? STATUS_SUCCESS : STATUS_FLT_DELETING_OBJECT;
}

NTEXPORT(FltObjectDereference, DISPATCH_LEVEL, "fltobject");
VOID FLTAPI FltObjectDereference(PVOID FltObject)
{
    FltpDereference(FltObject);
}

NTEXPORT(FltGetFilterFromName, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltGetFilterFromName(PCUNICODE_STRING FilterName, PFLT_FILTER *RetFilter)
{
    PFLT_FILTER Filter = FltpFindFilter(FilterName);

    *RetFilter = NULL;
    if (Filter == NULL || !FltpReference(&Filter->Base))
    {
        return STATUS_FLT_FILTER_NOT_FOUND;
    }
    *RetFilter = Filter;
    return STATUS_SUCCESS;
}

NTEXPORT(FltGetFilterFromInstance, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltGetFilterFromInstance(PFLT_INSTANCE Instance, PFLT_FILTER *RetFilter)
{
    *RetFilter = NULL;
    if (!FltpReference(&Instance->Filter->Base))
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    *RetFilter = Instance->Filter;
    return STATUS_SUCCESS;
}

NTEXPORT(FltGetVolumeFromInstance, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltGetVolumeFromInstance(PFLT_INSTANCE Instance, PFLT_VOLUME *RetVolume)
{
    *RetVolume = NULL;
    if (!FltpReference(&Instance->Volume->Base))
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    *RetVolume = Instance->Volume;
    return STATUS_SUCCESS;
}

NTEXPORT(FltGetVolumeFromName, PASSIVE_LEVEL, "fltobject");
NTSTATUS FLTAPI FltGetVolumeFromName(PFLT_FILTER Filter, PCUNICODE_STRING VolumeName, PFLT_VOLUME *RetVolume)
{
    PFLT_VOLUME Volume = FltpFindVolume(VolumeName);

    *RetVolume = NULL;
    if (Volume == NULL || !FltpReference(&Volume->Base))
    {
        return STATUS_FLT_VOLUME_NOT_FOUND;
    }
    *RetVolume = Volume;
    return STATUS_SUCCESS;
}

NTEXPORT(FltGetVolumeFromDeviceObject, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltGetVolumeFromDeviceObject(PFLT_FILTER Filter, PDEVICE_OBJECT DeviceObject, PFLT_VOLUME *RetVolume)
{
    PFLT_VOLUME Volume = FltpVolumeOfDevice(DeviceObject);

    *RetVolume = NULL;
    if (Volume == NULL)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (!FltpReference(&Volume->Base))
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    *RetVolume = Volume;
    return STATUS_SUCCESS;
}

NTEXPORT(FltGetVolumeFromFileObject, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltGetVolumeFromFileObject(PFLT_FILTER Filter, PFILE_OBJECT FileObject, PFLT_VOLUME *RetVolume)
{
    return FltGetVolumeFromDeviceObject(Filter, IoGetRelatedDeviceObject(FileObject), RetVolume);
}

NTEXPORT(FltGetVolumeInstanceFromName, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltGetVolumeInstanceFromName(PFLT_FILTER Filter, PFLT_VOLUME Volume, PCUNICODE_STRING InstanceName,
                                             PFLT_INSTANCE *RetInstance)
{
    *RetInstance = NULL;
    for (PLIST_ENTRY Link = Volume->Instances.Flink; Link != &Volume->Instances; Link = Link->Flink)
    {
        PFLT_INSTANCE Instance = CONTAINING_RECORD(Link, FLT_INSTANCE, VolumeLink);
        if ((Filter == NULL || Instance->Filter == Filter) &&
            (InstanceName == NULL || RtlEqualUnicodeString(&Instance->Name, InstanceName, TRUE)))
        {
            if (!FltpReference(&Instance->Base))
            {
                return STATUS_FLT_DELETING_OBJECT;
            }
            *RetInstance = Instance;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_FLT_INSTANCE_NOT_FOUND;
}

NTEXPORT(FltCompareInstanceAltitudes, PASSIVE_LEVEL, "fltobject");
LONG FLTAPI FltCompareInstanceAltitudes(PFLT_INSTANCE Instance1, PFLT_INSTANCE Instance2)
{
    LONG Order = FltpCompareAltitudes(&Instance1->Altitude, &Instance2->Altitude);

    return Order < 0 ? -1 : Order > 0;
}

/* Referenced entries of a list of objects. STATUS_BUFFER_TOO_SMALL: *Count says how many there are. */
static NTSTATUS FltpCollect(PLIST_ENTRY Head, SIZE_T LinkOffset, PFLT_FILTER Filter, PVOID *List, ULONG Room,
                            PULONG Count)
{
    ULONG Number = 0, Taken = 0;

    for (ULONG Pass = 0; Pass < 2; Pass++)
    {
        for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink)
        {
            PFLT_OBJECT Object = (PFLT_OBJECT)((PUCHAR)Link - LinkOffset);
            if (Filter != NULL && ((PFLT_INSTANCE)Object)->Filter != Filter)
            {
                continue;
            }
            if (Pass == 0)
            {
                Number++;
            }
            else if (FltpReference(Object))
            {
                List[Taken++] = Object;
            }
        }
        if (Pass == 0 && Number > Room)
        {
            *Count = Number;
            return STATUS_BUFFER_TOO_SMALL;
        }
    }
    *Count = Taken;
    return STATUS_SUCCESS;
}

NTEXPORT(FltEnumerateFilters, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltEnumerateFilters(PFLT_FILTER *FilterList, ULONG FilterListSize, PULONG NumberFiltersReturned)
{
    return FltpCollect(&FltpFilters, FIELD_OFFSET(FLT_OBJECT, PrimaryLink), NULL, (PVOID *)FilterList, FilterListSize,
                       NumberFiltersReturned);
}

NTEXPORT(FltEnumerateVolumes, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltEnumerateVolumes(PFLT_FILTER Filter, PFLT_VOLUME *VolumeList, ULONG VolumeListSize,
                                    PULONG NumberVolumesReturned)
{
    return FltpCollect(&FltpVolumes, FIELD_OFFSET(FLT_OBJECT, PrimaryLink), NULL, (PVOID *)VolumeList, VolumeListSize,
                       NumberVolumesReturned);
}

NTEXPORT(FltEnumerateInstances, APC_LEVEL, "fltobject");
NTSTATUS FLTAPI FltEnumerateInstances(PFLT_VOLUME Volume, PFLT_FILTER Filter, PFLT_INSTANCE *InstanceList,
                                      ULONG InstanceListSize, PULONG NumberInstancesReturned)
{
    *NumberInstancesReturned = 0;
    if (Volume == NULL && Filter == NULL)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Volume != NULL)
    {
        return FltpCollect(&Volume->Instances, FIELD_OFFSET(FLT_INSTANCE, VolumeLink), Filter, (PVOID *)InstanceList,
                           InstanceListSize, NumberInstancesReturned);
    }
    return FltpCollect(&Filter->Instances, FIELD_OFFSET(FLT_INSTANCE, FilterLink), NULL, (PVOID *)InstanceList,
                       InstanceListSize, NumberInstancesReturned);
}
