/*
 * Filters and instances: registration, when callbacks may come, teardown's order and reasons, references.
 */
#include "flt.h"

static const FLT_OPERATION_REGISTRATION None[] = {{.MajorFunction = IRP_MJ_OPERATION_END}};

static CHAR Trace[64];
static ULONG TraceLength;
static FLT_INSTANCE_TEARDOWN_FLAGS Reason;
static NTSTATUS SetupAnswer, QueryAnswer;
static FLT_INSTANCE_SETUP_FLAGS SetupFlags;

static VOID Say(CHAR Letter)
{
    Trace[TraceLength++] = Letter;
    Trace[TraceLength] = 0;
}

static NTSTATUS FLTAPI Setup(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_SETUP_FLAGS Flags, DEVICE_TYPE Type,
                             FLT_FILESYSTEM_TYPE FileSystem)
{
    UNREFERENCED_PARAMETER(Type);
    UNREFERENCED_PARAMETER(FileSystem);
    EXPECT(Objects->Filter == Filter && Objects->Instance != NULL && Objects->Volume != NULL);
    SetupFlags = Flags;
    Say('s');
    return SetupAnswer;
}

static NTSTATUS FLTAPI Query(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_QUERY_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    UNREFERENCED_PARAMETER(Flags);
    Say('q');
    return QueryAnswer;
}

static VOID FLTAPI TeardownStart(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_TEARDOWN_FLAGS Flags)
{
    EXPECT_EQ(FltObjectReference(Objects->Instance), STATUS_FLT_DELETING_OBJECT);
    Reason = Flags;
    Say('b');
}

static VOID FLTAPI TeardownComplete(PCFLT_RELATED_OBJECTS Objects, FLT_INSTANCE_TEARDOWN_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Objects);
    EXPECT_EQ(Flags, Reason);
    Say('e');
}

static FLT_REGISTRATION WithInstances(VOID)
{
    FLT_REGISTRATION Registration = FltBase(None);

    Registration.InstanceSetupCallback = Setup;
    Registration.InstanceQueryTeardownCallback = Query;
    Registration.InstanceTeardownStartCallback = TeardownStart;
    Registration.InstanceTeardownCompleteCallback = TeardownComplete;
    TraceLength = 0;
    Trace[0] = 0;
    SetupAnswer = QueryAnswer = STATUS_SUCCESS;
    return Registration;
}

TEST(RegistrationIsValidated)
{
    FLT_REGISTRATION Registration = FltBase(None);
    FLT_CONTEXT_REGISTRATION TwoTypes[] = {{.ContextType = FLT_STREAM_CONTEXT | FLT_FILE_CONTEXT, .Size = 8},
                                           {.ContextType = FLT_CONTEXT_END}};

    Registration.Version = 0x0100;
    EXPECT_EQ(FltRegisterFilter(TestDriver, &Registration, &Filter), STATUS_INVALID_PARAMETER);
    Registration.Version = FLT_REGISTRATION_VERSION;
    Registration.ContextRegistration = TwoTypes;
    EXPECT_EQ(FltRegisterFilter(TestDriver, &Registration, &Filter), STATUS_FLT_INVALID_CONTEXT_REGISTRATION);
}

TEST(AFilterIsRegisteredOnceAndStartsOnce)
{
    FLT_REGISTRATION Registration = FltBase(None);
    PFLT_FILTER Second;

    FltBegin(&Registration);
    EXPECT_EQ(FltRegisterFilter(TestDriver, &Registration, &Second), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(FltStartFiltering(Filter), STATUS_INVALID_PARAMETER);
    FltUnregisterFilter(Filter);
}

TEST(InstancesAreSetUpBeforeStartFilteringReturns)
{
    FLT_REGISTRATION Registration = WithInstances();

    EXPECT_EQ(FltRegisterFilter(TestDriver, &Registration, &Filter), STATUS_SUCCESS);
    EXPECT_EQ(TraceLength, 0);
    EXPECT_EQ(FltStartFiltering(Filter), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Trace, "s"), 0);
    EXPECT_EQ(SetupFlags, FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT);
    FltUnregisterFilter(Filter);
    EXPECT_EQ(strcmp(Trace, "sbe"), 0);
    EXPECT_EQ(Reason, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
}

TEST(AnInstanceThatRefusesSetupIsNeverTornDown)
{
    FLT_REGISTRATION Registration = WithInstances();
    PFLT_INSTANCE Instance;

    SetupAnswer = STATUS_FLT_DO_NOT_ATTACH;
    FltBegin(&Registration);
    EXPECT_EQ(FltGetVolumeInstanceFromName(Filter, FltVolume(), NULL, &Instance), STATUS_FLT_INSTANCE_NOT_FOUND);
    FltUnregisterFilter(Filter);
    EXPECT_EQ(strcmp(Trace, "s"), 0);
}

TEST(ManualDetachAsksFirst)
{
    FLT_REGISTRATION Registration = WithInstances();

    FltBegin(&Registration);
    QueryAnswer = STATUS_FLT_DO_NOT_DETACH;
    EXPECT_EQ(FltDetachVolume(Filter, FltVolume(), NULL), STATUS_FLT_DO_NOT_DETACH);
    QueryAnswer = STATUS_SUCCESS;
    EXPECT_EQ(FltDetachVolume(Filter, FltVolume(), NULL), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Trace, "sqqbe"), 0);
    EXPECT_EQ(Reason, FLTFL_INSTANCE_TEARDOWN_MANUAL);
    EXPECT_EQ(FltDetachVolume(Filter, FltVolume(), NULL), STATUS_FLT_INSTANCE_NOT_FOUND);
    EXPECT_EQ(FltAttachVolume(Filter, FltVolume(), NULL, NULL), STATUS_SUCCESS);
    EXPECT_EQ(SetupFlags, FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT);
    FltUnregisterFilter(Filter);
    EXPECT_EQ(strcmp(Trace, "sqqbesbe"), 0);
}

TEST(WithoutQueryTeardownManualDetachIsRefused)
{
    FLT_REGISTRATION Registration = WithInstances();

    Registration.InstanceQueryTeardownCallback = NULL;
    FltBegin(&Registration);
    EXPECT_EQ(FltDetachVolume(Filter, FltVolume(), NULL), STATUS_FLT_DO_NOT_DETACH);
    FltUnregisterFilter(Filter);
}

TEST(NamesAndAltitudesOfInstancesDoNotCollide)
{
    FLT_REGISTRATION Registration = FltBase(None);
    UNICODE_STRING Altitude = RTL_CONSTANT_STRING(L"123.5"), Lower = RTL_CONSTANT_STRING(L"99");
    UNICODE_STRING Second = RTL_CONSTANT_STRING(L"second"), Third = RTL_CONSTANT_STRING(L"third");
    PFLT_INSTANCE High, Low;

    FltBegin(&Registration);
    EXPECT_EQ(FltAttachVolume(Filter, FltVolume(), NULL, NULL), STATUS_FLT_INSTANCE_NAME_COLLISION);
    EXPECT_EQ(FltAttachVolume(Filter, FltVolume(), &Second, NULL), STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    EXPECT_EQ(FltAttachVolumeAtAltitude(Filter, FltVolume(), &Altitude, &Second, &High), STATUS_SUCCESS);
    EXPECT_EQ(FltAttachVolumeAtAltitude(Filter, FltVolume(), &Lower, &Third, &Low), STATUS_SUCCESS);
    EXPECT_EQ(FltCompareInstanceAltitudes(High, Low), 1);
    FltObjectDereference(High);
    FltObjectDereference(Low);
    FltUnregisterFilter(Filter);
}

static volatile LONG WorkRan, Unregistered;
static KEVENT LetWorkGo;

static VOID FLTAPI Work(PFLT_GENERIC_WORKITEM Item, PVOID Object, PVOID Context)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    TestWait(&LetWorkGo);
    EXPECT_EQ(Unregistered, 0);
    WorkRan = 1;
    FltFreeGenericWorkItem(Item);
}

static VOID NTAPI LetGo(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    TestSleep(10);
    EXPECT_EQ(Unregistered, 0);
    KeSetEvent(&LetWorkGo, IO_NO_INCREMENT, FALSE);
}

TEST(UnregisteringWaitsForQueuedWorkItems)
{
    FLT_REGISTRATION Registration = FltBase(None);
    PFLT_GENERIC_WORKITEM Item = FltAllocateGenericWorkItem();
    TEST_THREAD Thread;

    WorkRan = Unregistered = 0;
    KeInitializeEvent(&LetWorkGo, NotificationEvent, FALSE);
    FltBegin(&Registration);
    EXPECT_EQ(FltQueueGenericWorkItem(Item, Filter, Work, CriticalWorkQueue, NULL), STATUS_SUCCESS);
    TestStartThread(&Thread, LetGo, NULL);
    FltUnregisterFilter(Filter);
    Unregistered = 1;
    EXPECT_EQ(WorkRan, 1);
    TestJoinThread(&Thread);
}

static VOID NTAPI Dereference(PVOID Context)
{
    TestSleep(10);
    EXPECT_EQ(FltObjectReference(Context), STATUS_FLT_DELETING_OBJECT);
    EXPECT_EQ(Unregistered, 0);
    FltObjectDereference(Context);
}

TEST(UnregisteringWaitsForReferencesAndRefusesNewOnes)
{
    FLT_REGISTRATION Registration = FltBase(None);
    TEST_THREAD Thread;

    Unregistered = 0;
    FltBegin(&Registration);
    EXPECT_EQ(FltObjectReference(Filter), STATUS_SUCCESS);
    TestStartThread(&Thread, Dereference, Filter);
    FltUnregisterFilter(Filter);
    Unregistered = 1;
    TestJoinThread(&Thread);
}

TEST(FiltersVolumesAndInstancesAreEnumerated)
{
    FLT_REGISTRATION Registration = FltBase(None);
    PFLT_FILTER Filters[2];
    PFLT_VOLUME Volumes[4];
    PFLT_INSTANCE Instances[2];
    ULONG Count;

    FltBegin(&Registration);
    EXPECT_EQ(FltEnumerateFilters(Filters, 2, &Count), STATUS_SUCCESS);
    EXPECT(Count == 1 && Filters[0] == Filter);
    FltObjectDereference(Filters[0]);
    EXPECT_EQ(FltEnumerateVolumes(Filter, NULL, 0, &Count), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(Count, 1);
    EXPECT_EQ(FltEnumerateVolumes(Filter, Volumes, 4, &Count), STATUS_SUCCESS);
    EXPECT_EQ(FltEnumerateInstances(Volumes[0], NULL, Instances, 2, &Count), STATUS_SUCCESS);
    EXPECT_EQ(Count, 1);
    FltObjectDereference(Instances[0]);
    FltObjectDereference(Volumes[0]);
    FltUnregisterFilter(Filter);
}
