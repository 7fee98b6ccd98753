/*
 * Contexts: references, cleanup, what ends each kind, and locks that enter a critical region.
 */
#include "flt.h"

static ULONG Cleanups;
static FLT_CONTEXT_TYPE Cleaned;

static VOID FLTAPI Cleanup(PFLT_CONTEXT Context, FLT_CONTEXT_TYPE Type)
{
    EXPECT_EQ(*(PULONG64)Context, 77);
    Cleanups++;
    Cleaned = Type;
}

static const FLT_CONTEXT_REGISTRATION Contexts[] = {
    {.ContextType = FLT_VOLUME_CONTEXT, .ContextCleanupCallback = Cleanup, .Size = 16, .PoolTag = 'txtC'},
    {.ContextType = FLT_INSTANCE_CONTEXT, .ContextCleanupCallback = Cleanup, .Size = 16, .PoolTag = 'txtC'},
    {.ContextType = FLT_STREAM_CONTEXT, .ContextCleanupCallback = Cleanup, .Size = 16, .PoolTag = 'txtC'},
    {.ContextType = FLT_STREAMHANDLE_CONTEXT, .ContextCleanupCallback = Cleanup, .Size = 16, .PoolTag = 'txtC'},
    {.ContextType = FLT_CONTEXT_END}};

static const FLT_OPERATION_REGISTRATION None[] = {{.MajorFunction = IRP_MJ_OPERATION_END}};
static PFLT_INSTANCE Instance;

static VOID Begin(const FLT_OPERATION_REGISTRATION *Operations)
{
    FLT_REGISTRATION Registration = FltBase(Operations);

    Cleanups = 0;
    Registration.ContextRegistration = Contexts;
    FltBegin(&Registration);
    EXPECT_EQ(FltGetVolumeInstanceFromName(Filter, FltVolume(), NULL, &Instance), STATUS_SUCCESS);
    FltObjectDereference(Instance);
}

static PFLT_CONTEXT Make(FLT_CONTEXT_TYPE Type)
{
    PFLT_CONTEXT Context = NULL;

    EXPECT_EQ(FltAllocateContext(Filter, Type, 16, NonPagedPool, &Context), STATUS_SUCCESS);
    *(PULONG64)Context = 77;
    return Context;
}

TEST(OnlyRegisteredContextsCanBeAllocated)
{
    PFLT_CONTEXT Context;

    Begin(None);
    EXPECT_EQ(FltAllocateContext(Filter, FLT_FILE_CONTEXT, 16, NonPagedPool, &Context),
              STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND);
    EXPECT_EQ(FltAllocateContext(Filter, FLT_STREAM_CONTEXT, 24, NonPagedPool, &Context),
              STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND);
    EXPECT_EQ(FltAllocateContext(Filter, FLT_VOLUME_CONTEXT, 16, PagedPool, &Context),
              STATUS_FLT_MUST_BE_NONPAGED_POOL);
    FltUnregisterFilter(Filter);
}

TEST(TheLastReleaseCleansUp)
{
    PFLT_CONTEXT Context;

    Begin(None);
    Context = Make(FLT_INSTANCE_CONTEXT);
    FltReferenceContext(Context);
    FltReleaseContext(Context);
    EXPECT_EQ(Cleanups, 0);
    FltReleaseContext(Context);
    EXPECT_EQ(Cleanups, 1);
    EXPECT_EQ(Cleaned, FLT_INSTANCE_CONTEXT);
    FltUnregisterFilter(Filter);
}

TEST(TheObjectHoldsAReferenceUntilItsTeardown)
{
    PFLT_CONTEXT Context, Got;

    Begin(None);
    Context = Make(FLT_INSTANCE_CONTEXT);
    EXPECT_EQ(FltSetInstanceContext(Instance, FLT_SET_CONTEXT_KEEP_IF_EXISTS, Context, NULL), STATUS_SUCCESS);
    FltReleaseContext(Context);
    EXPECT_EQ(FltGetInstanceContext(Instance, &Got), STATUS_SUCCESS);
    EXPECT(Got == Context);
    FltReleaseContext(Got);
    EXPECT_EQ(Cleanups, 0);
    FltUnregisterFilter(Filter);
    EXPECT_EQ(Cleanups, 1);
}

TEST(KeepIfExistsGivesTheOldOneAndReplaceGivesItBack)
{
    PFLT_CONTEXT First, Second, Old;

    Begin(None);
    First = Make(FLT_INSTANCE_CONTEXT);
    Second = Make(FLT_INSTANCE_CONTEXT);
    EXPECT_EQ(FltSetInstanceContext(Instance, FLT_SET_CONTEXT_KEEP_IF_EXISTS, First, NULL), STATUS_SUCCESS);
    EXPECT_EQ(FltSetInstanceContext(Instance, FLT_SET_CONTEXT_KEEP_IF_EXISTS, First, NULL),
              STATUS_FLT_CONTEXT_ALREADY_LINKED);
    EXPECT_EQ(FltSetInstanceContext(Instance, FLT_SET_CONTEXT_KEEP_IF_EXISTS, Second, &Old),
              STATUS_FLT_CONTEXT_ALREADY_DEFINED);
    EXPECT(Old == First);
    FltReleaseContext(Old);
    EXPECT_EQ(FltSetInstanceContext(Instance, FLT_SET_CONTEXT_REPLACE_IF_EXISTS, Second, &Old), STATUS_SUCCESS);
    EXPECT(Old == First);
    FltReleaseContext(Old);
    FltReleaseContext(First);
    EXPECT_EQ(Cleanups, 1);
    EXPECT_EQ(FltDeleteInstanceContext(Instance, NULL), STATUS_SUCCESS);
    FltReleaseContext(Second);
    EXPECT_EQ(Cleanups, 2);
    EXPECT_EQ(FltGetInstanceContext(Instance, &Old), STATUS_NOT_FOUND);
    FltUnregisterFilter(Filter);
}

TEST(VolumeContextsGoWithTheFilter)
{
    PFLT_CONTEXT Context, Got;

    Begin(None);
    Context = Make(FLT_VOLUME_CONTEXT);
    EXPECT_EQ(FltSetVolumeContext(FltVolume(), FLT_SET_CONTEXT_KEEP_IF_EXISTS, Context, NULL), STATUS_SUCCESS);
    EXPECT_EQ(FltGetVolumeContext(Filter, FltVolume(), &Got), STATUS_SUCCESS);
    FltReleaseContext(Got);
    FltReleaseContext(Context);
    EXPECT_EQ(Cleanups, 0);
    FltUnregisterFilter(Filter);
    EXPECT(Cleanups == 1 && Cleaned == FLT_VOLUME_CONTEXT);
}

static FLT_CONTEXT_TYPE KindToSet;

static FLT_POSTOP_CALLBACK_STATUS FLTAPI PostCreate(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects,
                                                    PVOID Context, FLT_POST_OPERATION_FLAGS Flags)
{
    PFLT_CONTEXT New = Make(KindToSet);

    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    EXPECT_EQ(KindToSet == FLT_STREAM_CONTEXT
                  ? FltSetStreamContext(Objects->Instance, Objects->FileObject, FLT_SET_CONTEXT_REPLACE_IF_EXISTS, New, NULL)
                  : FltSetStreamHandleContext(Objects->Instance, Objects->FileObject, FLT_SET_CONTEXT_KEEP_IF_EXISTS, New,
                                              NULL),
              STATUS_SUCCESS);
    FltReleaseContext(New);
    return FLT_POSTOP_FINISHED_PROCESSING;
}

static const FLT_OPERATION_REGISTRATION Creates[] = {{.MajorFunction = IRP_MJ_CREATE, .PostOperation = PostCreate},
                                                     {.MajorFunction = IRP_MJ_OPERATION_END}};

TEST(AHandlesContextGoesWhenItIsClosed)
{
    HANDLE Handle;

    Begin(Creates);
    KindToSet = FLT_STREAMHANDLE_CONTEXT;
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\handle", FILE_OPEN_IF, 0), STATUS_SUCCESS);
    EXPECT_EQ(Cleanups, 0);
    ZwClose(Handle);
    EXPECT_EQ(Cleanups, 1);
    FltUnregisterFilter(Filter);
}

TEST(AStreamsContextGoesWithTheLastCloseOfTheStream)
{
    HANDLE First, Second;

    Begin(Creates);
    KindToSet = FLT_STREAM_CONTEXT;
    EXPECT_EQ(FsOpen(&First, VOLUME L"\\stream", FILE_OPEN_IF, 0), STATUS_SUCCESS);
    EXPECT_EQ(FsOpen(&Second, VOLUME L"\\stream", FILE_OPEN_IF, 0), STATUS_SUCCESS);
    EXPECT_EQ(Cleanups, 1); /* replaced by the second open */
    ZwClose(First);
    EXPECT_EQ(Cleanups, 1);
    ZwClose(Second);
    EXPECT_EQ(Cleanups, 2);
    FltUnregisterFilter(Filter);
}

TEST(LocksKeepNormalKernelApcsAwayWhileTheyAreHeld)
{
    EX_PUSH_LOCK Lock;
    ERESOURCE Resource;

    FltInitializePushLock(&Lock);
    FltAcquirePushLockExclusive(&Lock);
    EXPECT(KeAreApcsDisabled());
    FltReleasePushLock(&Lock);
    EXPECT(!KeAreApcsDisabled());
    FltAcquirePushLockShared(&Lock);
    FltAcquirePushLockShared(&Lock);
    FltReleasePushLock(&Lock);
    EXPECT(KeAreApcsDisabled());
    FltReleasePushLock(&Lock);
    EXPECT(!KeAreApcsDisabled());
    FltDeletePushLock(&Lock);
    ExInitializeResourceLite(&Resource);
    FltAcquireResourceExclusive(&Resource);
    EXPECT(KeAreApcsDisabled());
    FltReleaseResource(&Resource);
    EXPECT(!KeAreApcsDisabled());
    ExDeleteResourceLite(&Resource);
}
