/*
 * Per-stream contexts: what filters hang onto a stream whose file system's header says that it
 * supports that (FsRtlSetupAdvancedHeader). The list belongs to the header's fast mutex.
 */
#include "guest/include/exp.h"

static BOOLEAN FsRtlpMatches(PFSRTL_PER_STREAM_CONTEXT Context, PVOID OwnerId, PVOID InstanceId)
{
    return (OwnerId == NULL || Context->OwnerId == OwnerId) &&
           (InstanceId == NULL || Context->InstanceId == InstanceId);
}

static PFSRTL_PER_STREAM_CONTEXT FsRtlpFind(PFSRTL_ADVANCED_FCB_HEADER Header, PVOID OwnerId,
                                            PVOID InstanceId)
{
    for (PLIST_ENTRY Link = Header->FilterContexts.Flink; Link != &Header->FilterContexts;
         Link = Link->Flink)
    {
        PFSRTL_PER_STREAM_CONTEXT Context =
            CONTAINING_RECORD(Link, FSRTL_PER_STREAM_CONTEXT, Links);
        if (FsRtlpMatches(Context, OwnerId, InstanceId))
        {
            return Context;
        }
    }
    return NULL;
}

NTEXPORT(FsRtlInsertPerStreamContext, APC_LEVEL, "");
NTSTATUS NTAPI FsRtlInsertPerStreamContext(PFSRTL_ADVANCED_FCB_HEADER PerStreamContext,
                                           PFSRTL_PER_STREAM_CONTEXT Ptr)
{
    if (PerStreamContext == NULL ||
        !(PerStreamContext->Flags2 & FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS))
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    ExAcquireFastMutex(PerStreamContext->FastMutex);
    InsertHeadList(&PerStreamContext->FilterContexts, &Ptr->Links);
    ExReleaseFastMutex(PerStreamContext->FastMutex);
    return STATUS_SUCCESS;
}

NTEXPORT(FsRtlLookupPerStreamContextInternal, APC_LEVEL, "");
PFSRTL_PER_STREAM_CONTEXT NTAPI FsRtlLookupPerStreamContextInternal(
    PFSRTL_ADVANCED_FCB_HEADER StreamContext, PVOID OwnerId, PVOID InstanceId)
{
    PFSRTL_PER_STREAM_CONTEXT Context;

    ExAcquireFastMutex(StreamContext->FastMutex);
    Context = FsRtlpFind(StreamContext, OwnerId, InstanceId);
    ExReleaseFastMutex(StreamContext->FastMutex);
    return Context;
}

NTEXPORT(FsRtlRemovePerStreamContext, APC_LEVEL, "");
PFSRTL_PER_STREAM_CONTEXT NTAPI FsRtlRemovePerStreamContext(
    PFSRTL_ADVANCED_FCB_HEADER StreamContext, PVOID OwnerId, PVOID InstanceId)
{
    PFSRTL_PER_STREAM_CONTEXT Context = NULL;

    if (StreamContext->Flags2 & FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS)
    {
        ExAcquireFastMutex(StreamContext->FastMutex);
        Context = FsRtlpFind(StreamContext, OwnerId, InstanceId);
        if (Context != NULL)
        {
            RemoveEntryList(&Context->Links);
        }
        ExReleaseFastMutex(StreamContext->FastMutex);
    }
    return Context;
}

/* The file system is about to free the header: each context goes to its owner. */
NTEXPORT(FsRtlTeardownPerStreamContexts, APC_LEVEL, "");
VOID NTAPI FsRtlTeardownPerStreamContexts(PFSRTL_ADVANCED_FCB_HEADER AdvancedHeader)
{
    for (;;)
    {
        PFSRTL_PER_STREAM_CONTEXT Context = NULL;
        ExAcquireFastMutex(AdvancedHeader->FastMutex);
        if (!IsListEmpty(&AdvancedHeader->FilterContexts))
        {
            Context = CONTAINING_RECORD(RemoveHeadList(&AdvancedHeader->FilterContexts),
                                        FSRTL_PER_STREAM_CONTEXT, Links);
        }
        ExReleaseFastMutex(AdvancedHeader->FastMutex);
        if (Context == NULL)
        {
            return;
        }
        Context->FreeCallback(Context);
    }
}
