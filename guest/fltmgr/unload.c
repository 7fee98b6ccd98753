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

/* The callback's answer. The filter may be gone afterwards; a refusal counts only when it cannot be overruled. */
static NTSTATUS FltpCallUnload(PFLT_FILTER Filter, FLT_FILTER_UNLOAD_FLAGS Flags)
{
    PFLT_FILTER_UNLOAD_CALLBACK Callback = Filter->Registration.FilterUnloadCallback;
    BOOLEAN Mandatory = (Flags & FLTFL_FILTER_UNLOAD_MANDATORY) != 0;
    NTSTATUS Status;

    FltpHold(&Filter->Base);
    Filter->State |= FLTP_FILTER_UNLOADING | (Mandatory ? FLTP_FILTER_MANDATORY : 0);
    KeClearEvent(&Filter->Settled);
    RdEvent(RD_EVENT_UNLOAD_ROUTINE, Filter->DriverObject, Callback, 0);
    Status = Callback(Flags);
    if (!NT_SUCCESS(Status) && !Mandatory)
    {
        Filter->State &= ~FLTP_FILTER_UNLOADING;
    }
    KeSetEvent(&Filter->Settled, IO_NO_INCREMENT, FALSE);
    FltpDrop(&Filter->Base);
    return Status;
}

static NTSTATUS FltpDoUnloadFilter(PCUNICODE_STRING Name)
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
    PFLT_FILTER Filter = FltpFindFilterOfDriver(DriverObject);

    while (Filter != NULL && (Filter->State & FLTP_FILTER_UNLOADING))
    {
        /* Another request is inside the callback: the image must not go before it has come back. */
        FltpHold(&Filter->Base);
        KeWaitForSingleObject(&Filter->Settled, Executive, KernelMode, FALSE, NULL);
        FltpDrop(&Filter->Base);
        Filter = FltpFindFilterOfDriver(DriverObject);
    }
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
