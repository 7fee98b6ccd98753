/*
 * Unloading a filter on a system worker: FltpSyncOpWorker, FltpDoUnloadFilter, the filter's unload callback. On Windows 7
 * nothing keeps this apart from the DriverEntry of the same driver on another worker; from Windows 8 on the two wait
 * for each other (nt-semantics L2, L3, F1-F4, F9). When the callback has agreed the driver is unloaded as any other;
 * its DriverUnload is ours and finds nothing left to do. A service stop comes in the other way: through DriverUnload
 * to the callback, and cannot be refused.
 */
#include "guest/include/fltp.h"

typedef struct _FLTP_SYNC_OP
{
    WORK_QUEUE_ITEM Item;
    KEVENT Done;
    UNICODE_STRING Name;
    NTSTATUS Status;
} FLTP_SYNC_OP, *PFLTP_SYNC_OP;

/* An unload callback that is running; a service stop of the same driver waits for it. */
typedef struct _FLTP_UNLOADING
{
    LIST_ENTRY Links;
    PDRIVER_OBJECT Driver;
    ULONG Holders;
    KEVENT Done;
} FLTP_UNLOADING, *PFLTP_UNLOADING;

static LIST_ENTRY FltpUnloading = {&FltpUnloading, &FltpUnloading};

static VOID FltpDropUnloading(PFLTP_UNLOADING Unloading)
{
    if (--Unloading->Holders == 0)
    {
        ExFreePoolWithTag(Unloading, FLTP_TAG);
    }
}

/* The callback's answer. The filter, and its memory, may be gone afterwards; it is not when the callback refused. */
static inline __attribute__((always_inline)) NTSTATUS FltpCallUnload(PFLT_FILTER Filter, FLT_FILTER_UNLOAD_FLAGS Flags)
{
    PFLT_FILTER_UNLOAD_CALLBACK Callback = Filter->Registration.FilterUnloadCallback;
    PFLTP_UNLOADING Unloading = FltpAllocate(sizeof *Unloading, FLTP_TAG);
    NTSTATUS Status;

    if (Unloading == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Unloading->Driver = Filter->DriverObject;
    Unloading->Holders = 1;
    KeInitializeEvent(&Unloading->Done, NotificationEvent, FALSE);
    InsertTailList(&FltpUnloading, &Unloading->Links);
    Filter->State |= FLTP_FILTER_UNLOADING | (Flags & FLTFL_FILTER_UNLOAD_MANDATORY ? FLTP_FILTER_MANDATORY : 0);
    RdEvent(RD_EVENT_UNLOAD_ROUTINE, Filter->DriverObject, Callback, 0);
    Status = Callback(Flags);
    Filter = FltpFindFilterOfDriver(Unloading->Driver);
    if (Filter != NULL && !NT_SUCCESS(Status))
    {
        Filter->State &= ~FLTP_FILTER_UNLOADING;
    }
    RemoveEntryList(&Unloading->Links);
    KeSetEvent(&Unloading->Done, IO_NO_INCREMENT, FALSE);
    FltpDropUnloading(Unloading);
    return Status;
}

static VOID FltpWaitForUnloading(PDRIVER_OBJECT Driver)
{
    for (PLIST_ENTRY Link = FltpUnloading.Flink; Link != &FltpUnloading; Link = Link->Flink)
    {
        PFLTP_UNLOADING Unloading = CONTAINING_RECORD(Link, FLTP_UNLOADING, Links);
        if (Unloading->Driver == Driver)
        {
            Unloading->Holders++;
            KeWaitForSingleObject(&Unloading->Done, Executive, KernelMode, FALSE, NULL);
            FltpDropUnloading(Unloading);
            return;
        }
    }
}

static __attribute__((noinline)) NTSTATUS FltpDoUnloadFilter(PCUNICODE_STRING Name)
{
    PVOID Service = RdAcquireService(Name);
    PFLT_FILTER Filter = FltpFindFilter(Name);
    PDRIVER_OBJECT Driver;
    NTSTATUS Status;

    if (Filter == NULL)
    {
        Status = STATUS_FLT_FILTER_NOT_FOUND;
    }
    else if (Filter->State & (FLTP_FILTER_UNLOADING | FLTP_FILTER_UNREGISTERING))
    {
        Status = STATUS_FLT_DELETING_OBJECT;
    }
    else if (Filter->Registration.FilterUnloadCallback == NULL)
    {
        Status = STATUS_FLT_DO_NOT_DETACH;
    }
    else
    {
        Driver = Filter->DriverObject;
        ObReferenceObject(Driver);
        Status = FltpCallUnload(Filter, 0);
        if (!NT_SUCCESS(Status))
        {
            Status = STATUS_FLT_DO_NOT_DETACH;
        }
        else
        {
            Driver->DriverUnload = FltpMiniFilterDriverUnload;
            Status = ZwUnloadDriver((PUNICODE_STRING)Name);
        }
        ObDereferenceObject(Driver);
    }
    RdReleaseService(Service);
    return Status;
}

static VOID NTAPI FltpSyncOpWorker(PVOID Parameter)
{
    PFLTP_SYNC_OP Op = Parameter;

    Op->Status = FltpDoUnloadFilter(&Op->Name);
    KeSetEvent(&Op->Done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS FltpUnloadByName(PCUNICODE_STRING Name)
{
    FLTP_SYNC_OP Op = {.Name = *Name};

    KeInitializeEvent(&Op.Done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Op.Item, FltpSyncOpWorker, &Op);
    ExQueueWorkItem(&Op.Item, DelayedWorkQueue);
    KeWaitForSingleObject(&Op.Done, Executive, KernelMode, FALSE, NULL);
    return Op.Status;
}

/* DriverUnload of every driver that has registered a filter. */
VOID NTAPI FltpMiniFilterDriverUnload(PDRIVER_OBJECT DriverObject)
{
    PFLT_FILTER Filter;

    FltpWaitForUnloading(DriverObject); /* the image must not go while the callback runs */
    Filter = FltpFindFilterOfDriver(DriverObject);
    if (Filter != NULL && !(Filter->State & FLTP_FILTER_UNREGISTERING))
    {
        FltpCallUnload(Filter, FLTFL_FILTER_UNLOAD_MANDATORY);
    }
}

NTSTATUS FltpLoadByName(PCUNICODE_STRING Name)
{
    return ZwLoadDriver((PUNICODE_STRING)Name);
}

NTEXPORT(FltLoadFilter, PASSIVE_LEVEL, "filter driver");
NTSTATUS FLTAPI FltLoadFilter(PCUNICODE_STRING FilterName)
{
    return FltpLoadByName(FilterName);
}

NTEXPORT(FltUnloadFilter, PASSIVE_LEVEL, "filter driver");
NTSTATUS FLTAPI FltUnloadFilter(PCUNICODE_STRING FilterName)
{
    return FltpUnloadByName(FilterName);
}
