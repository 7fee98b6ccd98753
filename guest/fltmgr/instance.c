/*
 * Instances: a filter on a volume. Teardown (nt-semantics F6-F8, F10): TeardownStart; no operation enters any more, those
 * that are below get their post-operation callback at once, marked as draining, and those that the filter holds are
 * waited for; TeardownComplete; contexts. Only a manual detach asks QueryTeardown.
 */
#include "guest/include/fltp.h"

VOID FltpFillRelated(PFLT_RELATED_OBJECTS Related, PFLT_INSTANCE Instance, PFILE_OBJECT FileObject)
{
    FLT_RELATED_OBJECTS Value = {
        .Size = sizeof Value,
        .Filter = Instance->Filter,
        .Volume = Instance->Volume,
        .Instance = Instance,
        .FileObject = FileObject,
    };

    RtlCopyMemory(Related, &Value, sizeof Value);
}

/* Highest altitude first. STATUS_SUCCESS, or which collision there is. */
static NTSTATUS FltpInsertByAltitude(PFLT_VOLUME Volume, PFLT_INSTANCE Instance)
{
    PLIST_ENTRY Link;

    for (Link = Volume->Instances.Flink; Link != &Volume->Instances; Link = Link->Flink)
    {
        PFLT_INSTANCE Other = CONTAINING_RECORD(Link, FLT_INSTANCE, VolumeLink);
        if (Other->Filter == Instance->Filter && RtlEqualUnicodeString(&Other->Name, &Instance->Name, TRUE))
        {
            return STATUS_FLT_INSTANCE_NAME_COLLISION;
        }
        if (FltpCompareAltitudes(&Other->Altitude, &Instance->Altitude) == 0)
        {
            return STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
        }
    }
    for (Link = Volume->Instances.Flink; Link != &Volume->Instances; Link = Link->Flink)
    {
        if (FltpCompareAltitudes(&CONTAINING_RECORD(Link, FLT_INSTANCE, VolumeLink)->Altitude, &Instance->Altitude) <
            0)
        {
            break;
        }
    }
    InsertTailList(Link, &Instance->VolumeLink);
    return STATUS_SUCCESS;
}

static VOID FltpTrackStreamsFor(PFLT_VOLUME Volume, PFLT_FILTER Filter)
{
    if (FltpFindContextRegistration(Filter, FLT_STREAM_CONTEXT, FLT_VARIABLE_SIZED_CONTEXTS) != NULL ||
        FltpFindContextRegistration(Filter, FLT_FILE_CONTEXT, FLT_VARIABLE_SIZED_CONTEXTS) != NULL)
    {
        Volume->TrackStreams = TRUE;
    }
}

/* Off both lists; the references that it held are given back. */
static VOID FltpRemoveInstance(PFLT_INSTANCE Instance)
{
    PFLT_FILTER Filter = Instance->Filter;
    PFLT_VOLUME Volume = Instance->Volume;

    RemoveEntryList(&Instance->VolumeLink);
    RemoveEntryList(&Instance->FilterLink);
    KeSetEvent(&Instance->Gone, IO_NO_INCREMENT, FALSE);
    FltpDrop(&Instance->Base);
    FltpDereference(&Filter->Base);
    FltpDereference(&Volume->Base);
}

static BOOLEAN FltpNameInstance(PFLT_INSTANCE Instance, PCUNICODE_STRING Altitude, PCUNICODE_STRING Name)
{
    static const UNICODE_STRING Suffix = RTL_CONSTANT_STRING(L" Instance");
    WCHAR Buffer[FLTP_NAME_LENGTH];
    UNICODE_STRING Default = {0, sizeof Buffer, Buffer};

    if (Name == NULL)
    {
        RtlAppendUnicodeStringToString(&Default, &Instance->Filter->Name);
        RtlAppendUnicodeStringToString(&Default, &Suffix);
        Name = &Default;
    }
    return FltpCopyName(&Instance->Name, Instance->NameBuffer, FLTP_NAME_LENGTH, Name) &&
           FltpCopyName(&Instance->Altitude, Instance->AltitudeBuffer, sizeof Instance->AltitudeBuffer / sizeof(WCHAR),
                        Altitude != NULL ? Altitude : &Instance->Filter->DefaultAltitude);
}

static PFLT_INSTANCE FltpMakeInstance(PFLT_FILTER Filter, PFLT_VOLUME Volume, PCUNICODE_STRING Altitude,
                                      PCUNICODE_STRING Name, PNTSTATUS Status)
{
    PFLT_INSTANCE Instance = FltpAllocate(sizeof *Instance, FLTP_TAG);

    if (Instance == NULL)
    {
        *Status = STATUS_INSUFFICIENT_RESOURCES;
        return NULL;
    }
    FltpInitializeObject(&Instance->Base, FLT_OBFL_TYPE_INSTANCE);
    ExInitializeRundownProtection(&Instance->OperationRundown);
    KeInitializeEvent(&Instance->SetupDone, NotificationEvent, FALSE);
    KeInitializeEvent(&Instance->Gone, NotificationEvent, FALSE);
    InitializeListHead(&Instance->Outstanding);
    Instance->Filter = Filter;
    Instance->Volume = Volume;
    *Status = FltpNameInstance(Instance, Altitude, Name) ? FltpInsertByAltitude(Volume, Instance)
                                                         : STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(*Status))
    {
        FltpDrop(&Instance->Base);
        return NULL;
    }
    InsertTailList(&Filter->Instances, &Instance->FilterLink);
    return Instance;
}

NTSTATUS FltpAttach(PFLT_FILTER Filter, PFLT_VOLUME Volume, PCUNICODE_STRING Altitude, PCUNICODE_STRING Name,
                    FLT_INSTANCE_SETUP_FLAGS Flags, PFLT_INSTANCE *RetInstance)
{
    PFLT_INSTANCE_SETUP_CALLBACK Setup = Filter->Registration.InstanceSetupCallback;
    FLT_RELATED_OBJECTS Related;
    PFLT_INSTANCE Instance;
    NTSTATUS Status;

    if (!(Filter->State & FLTP_FILTER_STARTED))
    {
        return STATUS_FLT_FILTER_NOT_READY;
    }
    if (!FltpReference(&Filter->Base))
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    if (!FltpReference(&Volume->Base))
    {
        FltpDereference(&Filter->Base);
        return STATUS_FLT_DELETING_OBJECT;
    }
    Instance = FltpMakeInstance(Filter, Volume, Altitude, Name, &Status);
    if (Instance == NULL)
    {
        FltpDereference(&Filter->Base);
        FltpDereference(&Volume->Base);
        return Status;
    }
    if (Setup != NULL)
    {
        FltpFillRelated(&Related, Instance, NULL);
        Status = Setup(&Related, Flags, Volume->VolumeDevice->DeviceType, FLT_FSTYPE_UNKNOWN);
    }
    if (!NT_SUCCESS(Status) || Status == STATUS_FLT_DO_NOT_ATTACH)
    {
        Instance->Base.Flags |= FLT_OBFL_DRAINING;
        FltpDeleteInstanceContexts(Instance);
        KeSetEvent(&Instance->SetupDone, IO_NO_INCREMENT, FALSE);
        FltpRemoveInstance(Instance);
        return STATUS_FLT_DO_NOT_ATTACH;
    }
    FltpTrackStreamsFor(Volume, Filter);
    Instance->Ready = TRUE;
    if (RetInstance != NULL)
    {
        FltpReference(&Instance->Base);
        *RetInstance = Instance;
    }
    KeSetEvent(&Instance->SetupDone, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

VOID FltpTeardownInstance(PFLT_INSTANCE Instance, FLT_INSTANCE_TEARDOWN_FLAGS Reason)
{
    const FLT_REGISTRATION *Registration = &Instance->Filter->Registration;
    FLT_RELATED_OBJECTS Related;

    FltpHold(&Instance->Base);
    KeWaitForSingleObject(&Instance->SetupDone, Executive, KernelMode, FALSE, NULL);
    if (Instance->Base.Flags & FLT_OBFL_DRAINING)
    {
        KeWaitForSingleObject(&Instance->Gone, Executive, KernelMode, FALSE, NULL);
        FltpDrop(&Instance->Base);
        return;
    }
    Instance->Base.Flags |= FLT_OBFL_DRAINING;
    FltpFillRelated(&Related, Instance, NULL);
    if (Registration->InstanceTeardownStartCallback != NULL)
    {
        Registration->InstanceTeardownStartCallback(&Related, Reason);
    }
    Instance->Ready = FALSE;
    FltpDrainOperations(Instance);
    ExWaitForRundownProtectionRelease(&Instance->OperationRundown);
    if (Registration->InstanceTeardownCompleteCallback != NULL)
    {
        Registration->InstanceTeardownCompleteCallback(&Related, Reason);
    }
    FltpDeleteInstanceContexts(Instance);
    ExWaitForRundownProtectionRelease(&Instance->Base.RundownRef);
    FltpRemoveInstance(Instance);
    FltpDrop(&Instance->Base);
}

VOID FltpAttachFilterEverywhere(PFLT_FILTER Filter)
{
    PLIST_ENTRY Link = FltpVolumes.Flink;

    while (Link != &FltpVolumes)
    {
        PFLT_VOLUME Volume = CONTAINING_RECORD(Link, FLT_VOLUME, Base.PrimaryLink);
        BOOLEAN Held = FltpReference(&Volume->Base);
        if (Held)
        {
            FltpAttach(Filter, Volume, NULL, NULL, FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT, NULL);
        }
        Link = Link->Flink;
        if (Held)
        {
            FltpDereference(&Volume->Base);
        }
    }
}

VOID FltpAttachEveryFilter(PFLT_VOLUME Volume)
{
    PLIST_ENTRY Link = FltpFilters.Flink;

    while (Link != &FltpFilters)
    {
        PFLT_FILTER Filter = CONTAINING_RECORD(Link, FLT_FILTER, Base.PrimaryLink);
        BOOLEAN Held = FltpReference(&Filter->Base);
        if (Held)
        {
            FltpAttach(Filter, Volume, NULL, NULL,
                       FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT | FLTFL_INSTANCE_SETUP_NEWLY_MOUNTED_VOLUME, NULL);
        }
        Link = Link->Flink;
        if (Held)
        {
            FltpDereference(&Filter->Base);
        }
    }
}

NTEXPORT(FltAttachVolume, PASSIVE_LEVEL, "instance volume filter");
NTSTATUS FLTAPI FltAttachVolume(PFLT_FILTER Filter, PFLT_VOLUME Volume, PCUNICODE_STRING InstanceName,
                                PFLT_INSTANCE *RetInstance)
{
    return FltpAttach(Filter, Volume, NULL, InstanceName, FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT, RetInstance);
}

NTEXPORT(FltAttachVolumeAtAltitude, PASSIVE_LEVEL, "instance volume filter");
NTSTATUS FLTAPI FltAttachVolumeAtAltitude(PFLT_FILTER Filter, PFLT_VOLUME Volume, PCUNICODE_STRING Altitude,
                                          PCUNICODE_STRING InstanceName, PFLT_INSTANCE *RetInstance)
{
    return FltpAttach(Filter, Volume, Altitude, InstanceName, FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT, RetInstance);
}

NTEXPORT(FltDetachVolume, PASSIVE_LEVEL, "instance volume filter");
NTSTATUS FLTAPI FltDetachVolume(PFLT_FILTER Filter, PFLT_VOLUME Volume, PCUNICODE_STRING InstanceName)
{
    PFLT_INSTANCE_QUERY_TEARDOWN_CALLBACK Query = Filter->Registration.InstanceQueryTeardownCallback;
    FLT_RELATED_OBJECTS Related;
    PFLT_INSTANCE Instance;
    NTSTATUS Status = FltGetVolumeInstanceFromName(Filter, Volume, InstanceName, &Instance);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    FltpFillRelated(&Related, Instance, NULL);
    if (Query == NULL || !NT_SUCCESS(Query(&Related, 0)))
    {
        FltpDereference(&Instance->Base);
        return STATUS_FLT_DO_NOT_DETACH;
    }
    FltpHold(&Instance->Base);
    FltpDereference(&Instance->Base);
    FltpTeardownInstance(Instance, FLTFL_INSTANCE_TEARDOWN_MANUAL);
    FltpDrop(&Instance->Base);
    return STATUS_SUCCESS;
}
