/*
 * Contexts: a counted block of the filter's behind a node of ours. FltAllocateContext gives the first reference, an
 * object that the context is set on holds one, each get adds one. The cleanup callback comes with the last release.
 * Releasing while the object still holds the last one, or one that is gone, stops the system (0xF5/0x6D, 0x6E).
 *
 * A volume keeps its contexts, and those of its files, streams and handles, on lists: a handle's key is its file object, a
 * file's and a stream's what the file system put into FsContext. They go with the instance, with the handle's close, and
 * with the last close of the stream as seen from here.
 */
#include "guest/include/fltp.h"

typedef struct _FLTP_CONTEXT_NODE
{
    LONG UseCount;
    FLT_CONTEXT_TYPE Type;
    BOOLEAN Linked; /* set on an object, which holds a reference */
    PFLT_FILTER Filter; /* referenced by pointer */
    const FLT_CONTEXT_REGISTRATION *Registration;
    LIST_ENTRY Links;        /* on a list of the volume's */
    PFLT_INSTANCE Instance;  /* of contexts that belong to one */
    PVOID Key;
    PVOID *Slot; /* an instance's own */
    ULONG64 Body[] __attribute__((aligned(16)));
} FLTP_CONTEXT_NODE, *PFLTP_CONTEXT_NODE;

typedef struct _FLTP_STREAM
{
    LIST_ENTRY Links;
    PVOID Stream;
    ULONG Opens;
} FLTP_STREAM, *PFLTP_STREAM;

static PFLTP_CONTEXT_NODE FltpNodeOf(PFLT_CONTEXT Context)
{
    return CONTAINING_RECORD(Context, FLTP_CONTEXT_NODE, Body);
}

PFLT_CONTEXT_REGISTRATION FltpFindContextRegistration(PFLT_FILTER Filter, FLT_CONTEXT_TYPE Type, SIZE_T Size)
{
    for (PFLT_CONTEXT_REGISTRATION Entry = Filter->Contexts; Entry != NULL && Entry->ContextType != FLT_CONTEXT_END;
         Entry++)
    {
        if (Entry->ContextType == Type &&
            (Size == FLT_VARIABLE_SIZED_CONTEXTS || Entry->Size == FLT_VARIABLE_SIZED_CONTEXTS || Entry->Size == Size ||
             ((Entry->Flags & FLTFL_CONTEXT_REGISTRATION_NO_EXACT_SIZE_MATCH) && Size < Entry->Size)))
        {
            return Entry;
        }
    }
    return NULL;
}

NTEXPORT(FltAllocateContext, APC_LEVEL, "context");
NTSTATUS FLTAPI FltAllocateContext(PFLT_FILTER Filter, FLT_CONTEXT_TYPE ContextType, SIZE_T ContextSize,
                                   POOL_TYPE PoolType, PFLT_CONTEXT *ReturnedContext)
{
    PFLT_CONTEXT_REGISTRATION Entry = FltpFindContextRegistration(Filter, ContextType, ContextSize);
    SIZE_T Bytes = sizeof(FLTP_CONTEXT_NODE) + ContextSize;
    PFLTP_CONTEXT_NODE Node;

    *ReturnedContext = NULL;
    if (Entry == NULL)
    {
        return STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND;
    }
    if (ContextType == FLT_VOLUME_CONTEXT && (PoolType & 1) == PagedPool)
    {
        return STATUS_FLT_MUST_BE_NONPAGED_POOL;
    }
    Node = Entry->ContextAllocateCallback != NULL
               ? Entry->ContextAllocateCallback(PoolType, Bytes, ContextType)
               : ExAllocatePoolWithTag(PoolType, Bytes, Entry->PoolTag);
    if (Node == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Node, sizeof *Node);
    FltpHold(&Filter->Base);
    Node->UseCount = 1;
    Node->Type = ContextType;
    Node->Filter = Filter;
    Node->Registration = Entry;
    InitializeListHead(&Node->Links);
    *ReturnedContext = Node->Body;
    return STATUS_SUCCESS;
}

static VOID FltpFreeContext(PFLTP_CONTEXT_NODE Node)
{
    const FLT_CONTEXT_REGISTRATION *Entry = Node->Registration;
    PFLT_FILTER Filter = Node->Filter;
    FLT_CONTEXT_TYPE Type = Node->Type;

    if (Entry->ContextCleanupCallback != NULL)
    {
        Entry->ContextCleanupCallback(Node->Body, Type);
    }
    if (Entry->ContextFreeCallback != NULL)
    {
        Entry->ContextFreeCallback(Node, Type);
    }
    else
    {
        ExFreePoolWithTag(Node, Entry->PoolTag);
    }
    FltpDrop(&Filter->Base);
}

static VOID FltpReleaseNode(PFLTP_CONTEXT_NODE Node)
{
    LONG Left = InterlockedDecrement(&Node->UseCount);

    if (Left < 0 || (Left == 0 && Node->Linked))
    {
        KeBugCheckEx(FLTMGR_FILE_SYSTEM, FLTP_STOP_CONTEXT_OVER_DEREFERENCED, (ULONG_PTR)Node->Body, (ULONG_PTR)Node, 0);
    }
    if (Left == 0)
    {
        FltpFreeContext(Node);
    }
}

NTEXPORT(FltReferenceContext, APC_LEVEL, "context");
VOID FLTAPI FltReferenceContext(PFLT_CONTEXT Context)
{
    PFLTP_CONTEXT_NODE Node = FltpNodeOf(Context);

    if (Node->UseCount <= 0)
    {
        KeBugCheckEx(FLTMGR_FILE_SYSTEM, FLTP_STOP_CONTEXT_AFTER_FREE, (ULONG_PTR)Context, (ULONG_PTR)Node, 0);
    }
    InterlockedIncrement(&Node->UseCount);
}

NTEXPORT(FltReleaseContext, APC_LEVEL, "context");
VOID FLTAPI FltReleaseContext(PFLT_CONTEXT Context)
{
    FltpReleaseNode(FltpNodeOf(Context));
}

static VOID FltpUnlink(PFLTP_CONTEXT_NODE Node)
{
    if (Node->Slot != NULL)
    {
        *Node->Slot = NULL;
        Node->Slot = NULL;
    }
    RemoveEntryList(&Node->Links);
    InitializeListHead(&Node->Links);
    Node->Linked = FALSE;
}

static VOID FltpUnlinkAndRelease(PFLTP_CONTEXT_NODE Node)
{
    FltpUnlink(Node);
    FltpReleaseNode(Node);
}

NTEXPORT(FltDeleteContext, APC_LEVEL, "context");
VOID FLTAPI FltDeleteContext(PFLT_CONTEXT Context)
{
    PFLTP_CONTEXT_NODE Node = FltpNodeOf(Context);

    if (Node->Linked)
    {
        FltpUnlinkAndRelease(Node);
    }
}

static PFLTP_CONTEXT_NODE FltpFindNode(PLIST_ENTRY Head, FLT_CONTEXT_TYPE Type, PFLT_FILTER Filter,
                                       PFLT_INSTANCE Instance, PVOID Key)
{
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink)
    {
        PFLTP_CONTEXT_NODE Node = CONTAINING_RECORD(Link, FLTP_CONTEXT_NODE, Links);
        if (Node->Type == Type && Node->Filter == Filter && Node->Instance == Instance && Node->Key == Key)
        {
            return Node;
        }
    }
    return NULL;
}

static VOID FltpGive(PFLTP_CONTEXT_NODE Node, PFLT_CONTEXT *Context)
{
    Node->UseCount++;
    *Context = Node->Body;
}

/* Puts New in the place of Old, which may be NULL. */
static NTSTATUS FltpSet(PFLTP_CONTEXT_NODE Old, PFLT_CONTEXT NewContext, PLIST_ENTRY Head, PFLT_INSTANCE Instance,
                        PVOID Key, FLT_SET_CONTEXT_OPERATION Operation, PFLT_CONTEXT *OldContext)
{
    PFLTP_CONTEXT_NODE New = FltpNodeOf(NewContext);

    if (OldContext != NULL)
    {
        *OldContext = NULL;
    }
    if (New->Linked)
    {
        return STATUS_FLT_CONTEXT_ALREADY_LINKED;
    }
    if (Old != NULL && Operation == FLT_SET_CONTEXT_KEEP_IF_EXISTS)
    {
        if (OldContext != NULL)
        {
            FltpGive(Old, OldContext);
        }
        return STATUS_FLT_CONTEXT_ALREADY_DEFINED;
    }
    New->UseCount++;
    New->Linked = TRUE;
    New->Instance = Instance;
    New->Key = Key;
    InsertTailList(Head, &New->Links);
    if (Old != NULL)
    {
        FltpUnlink(Old);
        if (OldContext != NULL)
        {
            *OldContext = Old->Body; /* the object's reference is the caller's now */
        }
        else
        {
            FltpReleaseNode(Old);
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS FltpGet(PFLTP_CONTEXT_NODE Node, PFLT_CONTEXT *Context)
{
    *Context = NULL;
    if (Node == NULL)
    {
        return STATUS_NOT_FOUND;
    }
    FltpGive(Node, Context);
    return STATUS_SUCCESS;
}

/* Like FltDeleteContext for what is set; OldContext receives the object's reference. */
static NTSTATUS FltpDelete(PFLTP_CONTEXT_NODE Node, PFLT_CONTEXT *OldContext)
{
    if (OldContext != NULL)
    {
        *OldContext = NULL;
    }
    if (Node == NULL)
    {
        return STATUS_NOT_FOUND;
    }
    if (OldContext != NULL)
    {
        FltpUnlink(Node);
        *OldContext = Node->Body;
    }
    else
    {
        FltpUnlinkAndRelease(Node);
    }
    return STATUS_SUCCESS;
}

NTEXPORT(FltSetVolumeContext, APC_LEVEL, "context volume");
NTSTATUS FLTAPI FltSetVolumeContext(PFLT_VOLUME Volume, FLT_SET_CONTEXT_OPERATION Operation, PFLT_CONTEXT NewContext,
                                    PFLT_CONTEXT *OldContext)
{
    PFLT_FILTER Filter = FltpNodeOf(NewContext)->Filter;

    if (Volume->Base.Flags & FLT_OBFL_DRAINING)
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    return FltpSet(FltpFindNode(&Volume->VolumeContexts, FLT_VOLUME_CONTEXT, Filter, NULL, NULL), NewContext,
                   &Volume->VolumeContexts, NULL, NULL, Operation, OldContext);
}

NTEXPORT(FltGetVolumeContext, APC_LEVEL, "context volume");
NTSTATUS FLTAPI FltGetVolumeContext(PFLT_FILTER Filter, PFLT_VOLUME Volume, PFLT_CONTEXT *Context)
{
    return FltpGet(FltpFindNode(&Volume->VolumeContexts, FLT_VOLUME_CONTEXT, Filter, NULL, NULL), Context);
}

NTEXPORT(FltDeleteVolumeContext, APC_LEVEL, "context volume");
NTSTATUS FLTAPI FltDeleteVolumeContext(PFLT_FILTER Filter, PFLT_VOLUME Volume, PFLT_CONTEXT *OldContext)
{
    return FltpDelete(FltpFindNode(&Volume->VolumeContexts, FLT_VOLUME_CONTEXT, Filter, NULL, NULL), OldContext);
}

/* An instance's own context is the one with no key. */
static PFLTP_CONTEXT_NODE FltpInstanceNode(PFLT_INSTANCE Instance)
{
    return Instance->Context;
}

NTEXPORT(FltSetInstanceContext, APC_LEVEL, "context instance");
NTSTATUS FLTAPI FltSetInstanceContext(PFLT_INSTANCE Instance, FLT_SET_CONTEXT_OPERATION Operation,
                                      PFLT_CONTEXT NewContext, PFLT_CONTEXT *OldContext)
{
    PFLTP_CONTEXT_NODE New = FltpNodeOf(NewContext);
    NTSTATUS Status;

    if (Instance->Base.Flags & FLT_OBFL_DRAINING)
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    Status = FltpSet(FltpInstanceNode(Instance), NewContext, &Instance->Volume->FileContexts, Instance, NULL, Operation,
                     OldContext);
    if (NT_SUCCESS(Status))
    {
        Instance->Context = New;
        New->Slot = &Instance->Context;
    }
    return Status;
}

NTEXPORT(FltGetInstanceContext, APC_LEVEL, "context instance");
NTSTATUS FLTAPI FltGetInstanceContext(PFLT_INSTANCE Instance, PFLT_CONTEXT *Context)
{
    return FltpGet(FltpInstanceNode(Instance), Context);
}

NTEXPORT(FltDeleteInstanceContext, APC_LEVEL, "context instance");
NTSTATUS FLTAPI FltDeleteInstanceContext(PFLT_INSTANCE Instance, PFLT_CONTEXT *OldContext)
{
    return FltpDelete(FltpInstanceNode(Instance), OldContext);
}

/* Files, streams and handles differ in their key alone. */
static PVOID FltpKeyOf(PFILE_OBJECT FileObject, FLT_CONTEXT_TYPE Type)
{
    return Type == FLT_STREAMHANDLE_CONTEXT ? (PVOID)FileObject : FileObject->FsContext;
}

static PFLTP_CONTEXT_NODE FltpFileNode(PFLT_INSTANCE Instance, PFILE_OBJECT FileObject, FLT_CONTEXT_TYPE Type)
{
    return FltpFindNode(&Instance->Volume->FileContexts, Type, Instance->Filter, Instance, FltpKeyOf(FileObject, Type));
}

static NTSTATUS FltpSetFileNode(PFLT_INSTANCE Instance, PFILE_OBJECT FileObject, FLT_CONTEXT_TYPE Type,
                                FLT_SET_CONTEXT_OPERATION Operation, PFLT_CONTEXT NewContext, PFLT_CONTEXT *OldContext)
{
    if (FileObject->FsContext == NULL)
    {
        return STATUS_NOT_SUPPORTED; /* not open yet, or not any more */
    }
    if (FltpNodeOf(NewContext)->Type != Type)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Instance->Base.Flags & FLT_OBFL_DRAINING)
    {
        return STATUS_FLT_DELETING_OBJECT;
    }
    return FltpSet(FltpFileNode(Instance, FileObject, Type), NewContext, &Instance->Volume->FileContexts, Instance,
                   FltpKeyOf(FileObject, Type), Operation, OldContext);
}

static NTSTATUS FltpGetFileNode(PFLT_INSTANCE Instance, PFILE_OBJECT FileObject, FLT_CONTEXT_TYPE Type,
                                PFLT_CONTEXT *Context)
{
    if (FileObject->FsContext == NULL)
    {
        *Context = NULL;
        return STATUS_NOT_SUPPORTED;
    }
    return FltpGet(FltpFileNode(Instance, FileObject, Type), Context);
}

#define FLTP_FILE_CONTEXT_ROUTINES(Name, Type)                                                                         \
    NTSTATUS FLTAPI FltSet##Name##Context(PFLT_INSTANCE Instance, PFILE_OBJECT FileObject,                             \
                                          FLT_SET_CONTEXT_OPERATION Operation, PFLT_CONTEXT NewContext,                \
                                          PFLT_CONTEXT *OldContext)                                                    \
    {                                                                                                                  \
        return FltpSetFileNode(Instance, FileObject, Type, Operation, NewContext, OldContext);                         \
    }                                                                                                                  \
    NTSTATUS FLTAPI FltGet##Name##Context(PFLT_INSTANCE Instance, PFILE_OBJECT FileObject, PFLT_CONTEXT *Context)      \
    {                                                                                                                  \
        return FltpGetFileNode(Instance, FileObject, Type, Context);                                                   \
    }                                                                                                                  \
    NTSTATUS FLTAPI FltDelete##Name##Context(PFLT_INSTANCE Instance, PFILE_OBJECT FileObject,                          \
                                             PFLT_CONTEXT *OldContext)                                                 \
    {                                                                                                                  \
        return FltpDelete(FltpFileNode(Instance, FileObject, Type), OldContext);                                       \
    }                                                                                                                  \
    BOOLEAN FLTAPI FltSupports##Name##Contexts(PFILE_OBJECT FileObject)                                                \
    {                                                                                                                  \
        return FileObject->FsContext != NULL;                                                                          \
    }

NTEXPORT(FltSetFileContext, APC_LEVEL, "context file");
NTEXPORT(FltGetFileContext, APC_LEVEL, "context file");
NTEXPORT(FltDeleteFileContext, APC_LEVEL, "context file");
NTEXPORT(FltSupportsFileContexts, APC_LEVEL, "file");
FLTP_FILE_CONTEXT_ROUTINES(File, FLT_FILE_CONTEXT)

NTEXPORT(FltSetStreamContext, APC_LEVEL, "context file");
NTEXPORT(FltGetStreamContext, APC_LEVEL, "context file");
NTEXPORT(FltDeleteStreamContext, APC_LEVEL, "context file");
NTEXPORT(FltSupportsStreamContexts, APC_LEVEL, "file");
FLTP_FILE_CONTEXT_ROUTINES(Stream, FLT_STREAM_CONTEXT)

NTEXPORT(FltSetStreamHandleContext, APC_LEVEL, "context file");
NTEXPORT(FltGetStreamHandleContext, APC_LEVEL, "context file");
NTEXPORT(FltDeleteStreamHandleContext, APC_LEVEL, "context file");
NTEXPORT(FltSupportsStreamHandleContexts, APC_LEVEL, "file");
FLTP_FILE_CONTEXT_ROUTINES(StreamHandle, FLT_STREAMHANDLE_CONTEXT)

/* Cleanup callbacks may block and change the lists: each search starts afresh. */
static VOID FltpDeleteMatching(PLIST_ENTRY Head, BOOLEAN (*Matches)(PFLTP_CONTEXT_NODE, PVOID), PVOID Argument)
{
    PLIST_ENTRY Link = Head->Flink;

    while (Link != Head)
    {
        PFLTP_CONTEXT_NODE Node = CONTAINING_RECORD(Link, FLTP_CONTEXT_NODE, Links);
        Link = Link->Flink;
        if (Matches(Node, Argument))
        {
            FltpUnlinkAndRelease(Node);
            Link = Head->Flink;
        }
    }
}

static BOOLEAN FltpIsOfInstance(PFLTP_CONTEXT_NODE Node, PVOID Instance)
{
    return Node->Instance == Instance;
}

static BOOLEAN FltpIsOfFilter(PFLTP_CONTEXT_NODE Node, PVOID Filter)
{
    return Node->Filter == Filter;
}

static BOOLEAN FltpIsOfKey(PFLTP_CONTEXT_NODE Node, PVOID Key)
{
    return Node->Key == Key;
}

static BOOLEAN FltpIsAny(PFLTP_CONTEXT_NODE Node, PVOID Ignored)
{
    return TRUE;
}

VOID FltpDeleteInstanceContexts(PFLT_INSTANCE Instance)
{
    FltpDeleteMatching(&Instance->Volume->FileContexts, FltpIsOfInstance, Instance);
}

VOID FltpDeleteVolumeContexts(PFLT_FILTER Filter)
{
    for (PLIST_ENTRY Link = FltpVolumes.Flink; Link != &FltpVolumes; Link = Link->Flink)
    {
        PFLT_VOLUME Volume = CONTAINING_RECORD(Link, FLT_VOLUME, Base.PrimaryLink);
        FltpDeleteMatching(&Volume->VolumeContexts, FltpIsOfFilter, Filter);
    }
}

static PFLTP_STREAM FltpFindStream(PFLT_VOLUME Volume, PVOID Key)
{
    for (PLIST_ENTRY Link = Volume->Streams.Flink; Link != &Volume->Streams; Link = Link->Flink)
    {
        PFLTP_STREAM Stream = CONTAINING_RECORD(Link, FLTP_STREAM, Links);
        if (Stream->Stream == Key)
        {
            return Stream;
        }
    }
    return NULL;
}

VOID FltpFileOpened(PFLT_VOLUME Volume, PFILE_OBJECT FileObject)
{
    PFLTP_STREAM Stream;

    if (!Volume->TrackStreams || FileObject == NULL || FileObject->FsContext == NULL)
    {
        return;
    }
    Stream = FltpFindStream(Volume, FileObject->FsContext);
    if (Stream == NULL)
    {
        Stream = FltpAllocate(sizeof *Stream, FLTP_TAG);
        if (Stream == NULL)
        {
            return; /* its contexts stay until their instance goes */
        }
        Stream->Stream = FileObject->FsContext;
        InsertTailList(&Volume->Streams, &Stream->Links);
    }
    Stream->Opens++;
}

VOID FltpFileClosed(PFLT_VOLUME Volume, PFILE_OBJECT FileObject, PVOID Key)
{
    PFLTP_STREAM Stream = Volume->TrackStreams ? FltpFindStream(Volume, Key) : NULL;

    if (!IsListEmpty(&Volume->FileContexts))
    {
        FltpDeleteMatching(&Volume->FileContexts, FltpIsOfKey, FileObject);
    }
    if (Stream != NULL && --Stream->Opens == 0)
    {
        RemoveEntryList(&Stream->Links);
        ExFreePoolWithTag(Stream, FLTP_TAG);
        FltpDeleteMatching(&Volume->FileContexts, FltpIsOfKey, Key);
    }
}

VOID FltpForgetVolume(PFLT_VOLUME Volume)
{
    FltpDeleteMatching(&Volume->VolumeContexts, FltpIsAny, NULL);
    while (!IsListEmpty(&Volume->Streams))
    {
        ExFreePoolWithTag(CONTAINING_RECORD(RemoveHeadList(&Volume->Streams), FLTP_STREAM, Links), FLTP_TAG);
    }
}
