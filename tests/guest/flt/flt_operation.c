/*
 * Operations on a real volume: what a pre-operation callback may answer, what the post-operation callback sees, and what
 * teardown does with those in progress.
 */
#include "flt.h"

typedef FLT_PREOP_CALLBACK_STATUS (*PRE)(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context);
typedef FLT_POSTOP_CALLBACK_STATUS (*POST)(PFLT_CALLBACK_DATA Data, PVOID Context, FLT_POST_OPERATION_FLAGS Flags);

static PRE Pre;
static POST Post;
static volatile LONG PreCalls, PostCalls;
static NTSTATUS PostStatus;
static PKTHREAD PostThread;
static PVOID PostContext;

static FLT_PREOP_CALLBACK_STATUS FLTAPI PreRead(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    InterlockedIncrement(&PreCalls);
    EXPECT(Data->Iopb->TargetInstance == Objects->Instance && Data->Iopb->TargetFileObject == Objects->FileObject);
    EXPECT(FLT_IS_IRP_OPERATION(Data));
    return Pre(Data, Objects, Context);
}

static FLT_POSTOP_CALLBACK_STATUS FLTAPI PostRead(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID Context,
                                                  FLT_POST_OPERATION_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    InterlockedIncrement(&PostCalls);
    PostStatus = Data->IoStatus.Status;
    PostThread = KeGetCurrentThread();
    PostContext = Context;
    return Post != NULL ? Post(Data, Context, Flags) : FLT_POSTOP_FINISHED_PROCESSING;
}

static const FLT_OPERATION_REGISTRATION Operations[] = {
    {.MajorFunction = IRP_MJ_READ, .PreOperation = PreRead, .PostOperation = PostRead},
    {.MajorFunction = IRP_MJ_OPERATION_END}};

/* The status of a read of eight bytes at Offset, while the filter behaves as given. */
static NTSTATUS ReadThrough(PRE PreBehaviour, POST PostBehaviour, LONG64 Offset, PCHAR Buffer, PULONG_PTR Read)
{
    FLT_REGISTRATION Registration = FltBase(Operations);
    HANDLE Handle;
    NTSTATUS Status;

    Pre = PreBehaviour;
    Post = PostBehaviour;
    PreCalls = PostCalls = 0;
    FsMake(VOLUME L"\\filtered", "abcdefgh");
    FltBegin(&Registration);
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\filtered", FILE_OPEN, 0), STATUS_SUCCESS);
    Status = FsRead(Handle, Offset, Buffer, 8, Read);
    ZwClose(Handle);
    FltUnregisterFilter(Filter);
    EXPECT_EQ(PreCalls, 1);
    return Status;
}

static FLT_PREOP_CALLBACK_STATUS WithCallback(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Objects);
    EXPECT_EQ(Data->Iopb->Parameters.Read.Length, 8);
    *Context = (PVOID)&PreCalls;
    return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static FLT_PREOP_CALLBACK_STATUS WithoutCallback(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

TEST(PostOperationSeesTheFileSystemsStatusAndItsContext)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(WithCallback, NULL, 0, Buffer, &Read), STATUS_SUCCESS);
    EXPECT_EQ(PostCalls, 1);
    EXPECT_EQ(PostStatus, STATUS_SUCCESS);
    EXPECT(PostContext == &PreCalls);
    EXPECT(Read == 8 && Buffer[7] == 'h');
    EXPECT_EQ(ReadThrough(WithCallback, NULL, 100, Buffer, &Read), STATUS_END_OF_FILE);
    EXPECT_EQ(PostStatus, STATUS_END_OF_FILE);
}

TEST(WithoutCallbackThePostOperationIsNotCalled)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(WithoutCallback, NULL, 0, Buffer, &Read), STATUS_SUCCESS);
    EXPECT_EQ(PostCalls, 0);
}

static FLT_PREOP_CALLBACK_STATUS CompleteIt(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    Data->IoStatus.Status = STATUS_ACCESS_DENIED;
    Data->IoStatus.Information = 0;
    return FLT_PREOP_COMPLETE;
}

TEST(AFilterCanCompleteTheOperation)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(CompleteIt, NULL, 0, Buffer, &Read), STATUS_ACCESS_DENIED);
    EXPECT_EQ(PostCalls, 0);
}

static FLT_PREOP_CALLBACK_STATUS Further(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    Data->Iopb->Parameters.Read.ByteOffset.QuadPart += 2;
    Data->Iopb->Parameters.Read.Length = 3;
    FltSetCallbackDataDirty(Data);
    EXPECT(FltIsCallbackDataDirty(Data));
    return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

TEST(ChangedParametersReachTheFileSystemWhenDirty)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(Further, NULL, 0, Buffer, &Read), STATUS_SUCCESS);
    EXPECT(Read == 3 && Buffer[0] == 'c');
}

static FLT_POSTOP_CALLBACK_STATUS FailIt(PFLT_CALLBACK_DATA Data, PVOID Context, FLT_POST_OPERATION_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    Data->IoStatus.Status = STATUS_ACCESS_DENIED;
    Data->IoStatus.Information = 0;
    return FLT_POSTOP_FINISHED_PROCESSING;
}

TEST(PostOperationDecidesTheStatus)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(WithCallback, FailIt, 0, Buffer, &Read), STATUS_ACCESS_DENIED);
}

static PKTHREAD Requestor;

static FLT_PREOP_CALLBACK_STATUS Synchronize(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    Requestor = KeGetCurrentThread();
    return FLT_PREOP_SYNCHRONIZE;
}

TEST(ASynchronizedPostOperationRunsInTheRequestorsThread)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(Synchronize, NULL, 0, Buffer, &Read), STATUS_SUCCESS);
    EXPECT_EQ(PostCalls, 1);
    EXPECT(PostThread == Requestor);
}

static FLT_PREOP_CALLBACK_STATUS PendedAnswer;

static VOID FLTAPI Resume(PFLT_DEFERRED_IO_WORKITEM Item, PFLT_CALLBACK_DATA Data, PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    FltFreeDeferredIoWorkItem(Item);
    if (PendedAnswer == FLT_PREOP_COMPLETE)
    {
        Data->IoStatus.Status = STATUS_ACCESS_DENIED;
        Data->IoStatus.Information = 0;
    }
    FltCompletePendedPreOperation(Data, PendedAnswer, &Requestor);
}

static FLT_PREOP_CALLBACK_STATUS Pend(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    EXPECT_EQ(FltQueueDeferredIoWorkItem(FltAllocateDeferredIoWorkItem(), Data, Resume, CriticalWorkQueue, NULL),
              STATUS_SUCCESS);
    return FLT_PREOP_PENDING;
}

TEST(APendedOperationGoesOnAsItIsTold)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    PendedAnswer = FLT_PREOP_SUCCESS_WITH_CALLBACK;
    EXPECT_EQ(ReadThrough(Pend, NULL, 0, Buffer, &Read), STATUS_SUCCESS);
    EXPECT(PostCalls == 1 && PostContext == &Requestor && Read == 8);
    PendedAnswer = FLT_PREOP_SUCCESS_NO_CALLBACK;
    EXPECT_EQ(ReadThrough(Pend, NULL, 0, Buffer, &Read), STATUS_SUCCESS);
    EXPECT(PostCalls == 0 && Read == 8);
    PendedAnswer = FLT_PREOP_COMPLETE;
    EXPECT_EQ(ReadThrough(Pend, NULL, 0, Buffer, &Read), STATUS_ACCESS_DENIED);
}

static PFLT_CALLBACK_DATA Kept;

static VOID FLTAPI FinishPost(PFLT_GENERIC_WORKITEM Item, PVOID Object, PVOID Context)
{
    UNREFERENCED_PARAMETER(Object);
    FltFreeGenericWorkItem(Item);
    ((PFLT_CALLBACK_DATA)Context)->IoStatus.Information = 5;
    FltCompletePendedPostOperation(Context);
}

static FLT_POSTOP_CALLBACK_STATUS KeepIt(PFLT_CALLBACK_DATA Data, PVOID Context, FLT_POST_OPERATION_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    Kept = Data;
    EXPECT_EQ(FltQueueGenericWorkItem(FltAllocateGenericWorkItem(), Filter, FinishPost, CriticalWorkQueue, Data),
              STATUS_SUCCESS);
    return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

TEST(APendedPostOperationIsCompletedLater)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(WithCallback, KeepIt, 0, Buffer, &Read), STATUS_SUCCESS);
    EXPECT_EQ(Read, 5);
}

static FLT_POSTOP_CALLBACK_STATUS FLTAPI WhenSafe(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID Context,
                                                  FLT_POST_OPERATION_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Flags);
    EXPECT(KeGetCurrentIrql() <= APC_LEVEL);
    Data->IoStatus.Information = 4;
    return FLT_POSTOP_FINISHED_PROCESSING;
}

static FLT_POSTOP_CALLBACK_STATUS AskForSafety(PFLT_CALLBACK_DATA Data, PVOID Context, FLT_POST_OPERATION_FLAGS Flags)
{
    FLT_RELATED_OBJECTS Objects = {.Size = sizeof Objects};
    FLT_POSTOP_CALLBACK_STATUS Status;
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(FltDoCompletionProcessingWhenSafe(Data, &Objects, Context, Flags, WhenSafe, &Status));
    KeLowerIrql(OldIrql);
    EXPECT_EQ(Status, FLT_POSTOP_MORE_PROCESSING_REQUIRED);
    return Status;
}

TEST(CompletionProcessingIsPutOffUntilItIsSafe)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(WithCallback, AskForSafety, 0, Buffer, &Read), STATUS_SUCCESS);
    EXPECT_EQ(Read, 4);
}

static FLT_PREOP_CALLBACK_STATUS NameIt(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    static const UNICODE_STRING Whole = RTL_CONSTANT_STRING(DISK L"\\filtered");
    static const UNICODE_STRING Final = RTL_CONSTANT_STRING(L"filtered"), Parent = RTL_CONSTANT_STRING(L"\\");
    PFLT_FILE_NAME_INFORMATION Name;

    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Context);
    EXPECT_EQ(FltGetFileNameInformation(Data, FLT_FILE_NAME_NORMALIZED | FLT_FILE_NAME_QUERY_DEFAULT, &Name),
              STATUS_SUCCESS);
    EXPECT(RtlEqualUnicodeString(&Name->Name, &Whole, TRUE));
    EXPECT_EQ(FltParseFileNameInformation(Name), STATUS_SUCCESS);
    EXPECT(RtlEqualUnicodeString(&Name->FinalComponent, &Final, TRUE));
    EXPECT(RtlEqualUnicodeString(&Name->ParentDir, &Parent, TRUE));
    EXPECT_EQ(Name->Extension.Length, 0);
    FltReleaseFileNameInformation(Name);
    return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

TEST(AFilesNameIsKnownAndParsed)
{
    CHAR Buffer[8];
    ULONG_PTR Read;

    EXPECT_EQ(ReadThrough(NameIt, NULL, 0, Buffer, &Read), STATUS_SUCCESS);
}

static ULONG Order[8], OrderCount;

static FLT_PREOP_CALLBACK_STATUS NoteOrder(PFLT_CALLBACK_DATA Data, PCFLT_RELATED_OBJECTS Objects, PVOID *Context)
{
    UNREFERENCED_PARAMETER(Objects);
    Order[OrderCount++] = Data->Iopb->Parameters.Read.Length;
    *Context = UlongToPtr(Data->Iopb->Parameters.Read.Length);
    Data->Iopb->Parameters.Read.Length--;
    FltSetCallbackDataDirty(Data);
    return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static FLT_POSTOP_CALLBACK_STATUS NoteBack(PFLT_CALLBACK_DATA Data, PVOID Context, FLT_POST_OPERATION_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    EXPECT_EQ(Data->Iopb->Parameters.Read.Length + 1, PtrToUlong(Context)); /* as it was left by this instance */
    Order[OrderCount++] = 100 + PtrToUlong(Context);
    return FLT_POSTOP_FINISHED_PROCESSING;
}

TEST(TwoInstancesAreCalledFromTheTopAndBack)
{
    FLT_REGISTRATION Registration = FltBase(Operations);
    UNICODE_STRING Altitude = RTL_CONSTANT_STRING(L"1000"), Name = RTL_CONSTANT_STRING(L"lower");
    CHAR Buffer[8];
    ULONG_PTR Read;
    HANDLE Handle;

    Pre = NoteOrder;
    Post = NoteBack;
    OrderCount = 0;
    FsMake(VOLUME L"\\filtered", "abcdefgh");
    FltBegin(&Registration);
    EXPECT_EQ(FltAttachVolumeAtAltitude(Filter, FltVolume(), &Altitude, &Name, NULL), STATUS_SUCCESS);
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\filtered", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(FsRead(Handle, 0, Buffer, 8, &Read), STATUS_SUCCESS);
    ZwClose(Handle);
    FltUnregisterFilter(Filter);
    EXPECT_EQ(Read, 6);
    EXPECT_EQ(OrderCount, 4);
    EXPECT(Order[0] == 8 && Order[1] == 7 && Order[2] == 107 && Order[3] == 108);
}
