/*
 * Registration. From FltRegisterFilter on a filter can be found, and so unloaded: nothing waits for its
 * DriverEntry (nt-semantics F1, L2, L3). Instances are made by FltStartFiltering, possibly before it returns.
 *
 * A default instance's altitude comes from the registry in NT. There is none here, so the filter that registers first is the
 * highest and each later one a step below; FltAttachVolumeAtAltitude says its own.
 */
#include "guest/include/fltp.h"

#define FLTP_HIGHEST_ALTITUDE 389990u
#define FLTP_ALTITUDE_STEP 1000u

static ULONG FltpRegistrations;

PFLT_FILTER FltpFindFilter(PCUNICODE_STRING Name)
{
    for (PLIST_ENTRY Link = FltpFilters.Flink; Link != &FltpFilters; Link = Link->Flink)
    {
        PFLT_FILTER Filter = CONTAINING_RECORD(Link, FLT_FILTER, Base.PrimaryLink);
        if (RtlEqualUnicodeString(&Filter->Name, Name, TRUE))
        {
            return Filter;
        }
    }
    return NULL;
}

PFLT_FILTER FltpFindFilterOfDriver(PDRIVER_OBJECT Driver)
{
    for (PLIST_ENTRY Link = FltpFilters.Flink; Link != &FltpFilters; Link = Link->Flink)
    {
        PFLT_FILTER Filter = CONTAINING_RECORD(Link, FLT_FILTER, Base.PrimaryLink);
        if (Filter->DriverObject == Driver)
        {
            return Filter;
        }
    }
    return NULL;
}

static VOID FltpFormatAltitude(PFLT_FILTER Filter, ULONG Number)
{
    PWCHAR Buffer = Filter->AltitudeBuffer;

    for (LONG i = 5; i >= 0; i--, Number /= 10)
    {
        Buffer[i] = (WCHAR)(L'0' + Number % 10);
    }
    Filter->DefaultAltitude.Buffer = Buffer;
    Filter->DefaultAltitude.Length = 6 * sizeof(WCHAR);
    Filter->DefaultAltitude.MaximumLength = sizeof Filter->AltitudeBuffer;
}

/* A copy of a table that ends with an entry of its own. FALSE: no pool. */
static BOOLEAN FltpCopyTable(const VOID *Table, SIZE_T Count, SIZE_T EntrySize, PVOID *Copy)
{
    *Copy = NULL;
    if (Table == NULL)
    {
        return TRUE;
    }
    *Copy = FltpAllocate(Count * EntrySize, FLTP_TAG);
    if (*Copy != NULL)
    {
        RtlCopyMemory(*Copy, Table, Count * EntrySize);
    }
    return *Copy != NULL;
}

static BOOLEAN FltpCopyOperations(PFLT_FILTER Filter, const FLT_OPERATION_REGISTRATION *Table)
{
    SIZE_T Count = 1;

    while (Table != NULL && Table[Count - 1].MajorFunction != IRP_MJ_OPERATION_END)
    {
        Count++;
    }
    return FltpCopyTable(Table, Count, sizeof *Table, (PVOID *)&Filter->Operations);
}

static BOOLEAN FltpCopyContexts(PFLT_FILTER Filter, const FLT_CONTEXT_REGISTRATION *Table)
{
    SIZE_T Count = 1;

    while (Table != NULL && Table[Count - 1].ContextType != FLT_CONTEXT_END)
    {
        Count++;
    }
    return FltpCopyTable(Table, Count, sizeof *Table, (PVOID *)&Filter->Contexts);
}

/* One type bit each, and allocation and free callbacks only together. */
static BOOLEAN FltpContextsAreValid(const FLT_CONTEXT_REGISTRATION *Entry)
{
    for (; Entry != NULL && Entry->ContextType != FLT_CONTEXT_END; Entry++)
    {
        FLT_CONTEXT_TYPE Type = Entry->ContextType;
        if ((Type & ~FLT_ALL_CONTEXTS) || Type == 0 || (Type & (Type - 1)) ||
            (Entry->ContextAllocateCallback == NULL) != (Entry->ContextFreeCallback == NULL))
        {
            return FALSE;
        }
    }
    return TRUE;
}

NTEXPORT(FltRegisterFilter, APC_LEVEL, "filter driver");
NTSTATUS FLTAPI FltRegisterFilter(PDRIVER_OBJECT Driver, CONST FLT_REGISTRATION *Registration, PFLT_FILTER *RetFilter)
{
    PFLT_FILTER Filter;

    *RetFilter = NULL;
    if (Registration->Version >> 8 != 2 || Registration->Size < FIELD_OFFSET(FLT_REGISTRATION, TransactionNotificationCallback))
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (!FltpContextsAreValid(Registration->ContextRegistration))
    {
        return STATUS_FLT_INVALID_CONTEXT_REGISTRATION;
    }
    if (FltpFindFilter(&Driver->DriverExtension->ServiceKeyName) != NULL)
    {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    FltpStartVolumes();
    Filter = FltpAllocate(sizeof *Filter, FLTP_TAG);
    if (Filter == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    FltpInitializeObject(&Filter->Base, FLT_OBFL_TYPE_FILTER);
    InitializeListHead(&Filter->Instances);
    InitializeListHead(&Filter->Ports);
    RtlCopyMemory(&Filter->Registration, Registration,
                  Registration->Size < sizeof Filter->Registration ? Registration->Size : sizeof Filter->Registration);
    if (!FltpCopyName(&Filter->Name, Filter->NameBuffer, FLTP_NAME_LENGTH, &Driver->DriverExtension->ServiceKeyName) ||
        !FltpCopyOperations(Filter, Registration->OperationRegistration) ||
        !FltpCopyContexts(Filter, Registration->ContextRegistration))
    {
        FltpDrop(&Filter->Base);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    FltpFormatAltitude(Filter, FLTP_HIGHEST_ALTITUDE - FLTP_ALTITUDE_STEP * FltpRegistrations++);
    ObReferenceObject(Driver);
    Filter->DriverObject = Driver;
    Filter->OldDriverUnload = Driver->DriverUnload;
    /* A service stop goes to the filter's unload callback; a filter without one is not unloadable. */
    Driver->DriverUnload = Registration->FilterUnloadCallback != NULL &&
                                   !(Registration->Flags & FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP)
                               ? FltpMiniFilterDriverUnload
                               : NULL;
    InsertTailList(&FltpFilters, &Filter->Base.PrimaryLink);
    *RetFilter = Filter;
    return STATUS_SUCCESS;
}

NTEXPORT(FltStartFiltering, APC_LEVEL, "filter");
NTSTATUS FLTAPI FltStartFiltering(PFLT_FILTER Filter)
{
    if (Filter->State & FLTP_FILTER_STARTED)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (!FltpReference(&Filter->Base))
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    Filter->State |= FLTP_FILTER_STARTED;
    FltpAttachFilterEverywhere(Filter);
    FltpDereference(&Filter->Base);
    return STATUS_SUCCESS;
}

NTEXPORT(FltUnregisterFilter, APC_LEVEL, "filter");
VOID FLTAPI FltUnregisterFilter(PFLT_FILTER Filter)
{
    PDRIVER_OBJECT Driver = Filter->DriverObject;
    FLT_INSTANCE_TEARDOWN_FLAGS Reason = Filter->State & FLTP_FILTER_MANDATORY
                                             ? FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD
                                             : FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD;

    Filter->State |= FLTP_FILTER_UNREGISTERING; /* no new instances */
    Filter->Base.Flags |= FLT_OBFL_DRAINING;
    while (!IsListEmpty(&Filter->Instances))
    {
        FltpTeardownInstance(CONTAINING_RECORD(Filter->Instances.Flink, FLT_INSTANCE, FilterLink), Reason);
    }
    FltpDeleteVolumeContexts(Filter);
    ExWaitForRundownProtectionRelease(&Filter->Base.RundownRef);
    RemoveEntryList(&Filter->Base.PrimaryLink);
    if (!(Filter->State & FLTP_FILTER_UNLOADING))
    {
        Driver->DriverUnload = Filter->OldDriverUnload; /* of its own accord: it is a plain driver again */
    }
    FltpDrop(&Filter->Base);
    ObDereferenceObject(Driver);
}
