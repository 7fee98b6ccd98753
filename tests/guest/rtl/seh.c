/*
 * __try, __except and __finally, as a compiler for Windows makes them: who is asked, in which order, what is run on the way, and
 * that execution goes on where it should. Faults are in routines of their own: compilers protect calls.
 */
#include "../stack.h"

#define NOINLINE __attribute__((noinline))

static volatile ULONG Repaired;
static char Log[16];
static ULONG Logged;

static VOID Begin(VOID)
{
    RtlZeroMemory(Log, sizeof(Log));
    Logged = 0;
}

static NOINLINE VOID Note(char What)
{
    if (Logged < sizeof(Log) - 1)
    {
        Log[Logged++] = What;
    }
}

static LONG NoteFilter(char What, LONG Answer)
{
    Note(What);
    return Answer;
}

static NOINLINE ULONG Read(volatile ULONG *Address)
{
    return *Address;
}

static NOINLINE VOID Write(volatile ULONG *Address)
{
    *Address = 7;
}

static NOINLINE LONG Divide(volatile LONG *By)
{
    return 100 / *By;
}

static NOINLINE VOID Break(VOID)
{
    __asm__ volatile("int3");
}

static EXCEPTION_RECORD Seen;
static CONTEXT SeenContext;

static LONG Keep(PEXCEPTION_POINTERS Pointers, LONG Answer)
{
    Seen = *Pointers->ExceptionRecord;
    SeenContext = *Pointers->ContextRecord;
    return Answer;
}

TEST(ReadThroughANullPointerIsAnAccessViolationThatCanBeHandled)
{
    ULONG Status = 0;

    __try
    {
        Read((ULONG *)0x18);
        Status = 1;
    }
    __except (Keep(_exception_info(), EXCEPTION_EXECUTE_HANDLER))
    {
        Status = _exception_code();
    }
    EXPECT_EQ(Status, (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Seen.NumberParameters, 2);
    EXPECT_EQ(Seen.ExceptionInformation[0], 0);
    EXPECT_EQ(Seen.ExceptionInformation[1], 0x18);
    EXPECT_EQ(Seen.ExceptionFlags, 0);
    EXPECT_EQ(SeenContext.Rip, (ULONG64)Seen.ExceptionAddress);
}

TEST(WriteSaysThatItIsOne)
{
    __try
    {
        Write((ULONG *)0x20);
    }
    __except (Keep(_exception_info(), EXCEPTION_EXECUTE_HANDLER))
    {
    }
    EXPECT_EQ(Seen.ExceptionInformation[0], 1);
    EXPECT_EQ(Seen.ExceptionInformation[1], 0x20);
}

TEST(AddressThatIsNotCanonicalIsReportedAsMinusOne)
{
    __try
    {
        Read((ULONG *)0x8000123400001230ull);
    }
    __except (Keep(_exception_info(), EXCEPTION_EXECUTE_HANDLER))
    {
    }
    EXPECT_EQ(Seen.ExceptionCode, STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Seen.ExceptionInformation[1], ~0ull);
}

TEST(DivisionByZeroCanBeHandledAtDispatchLevelToo)
{
    LONG Zero = 0;
    ULONG Status = 0;
    KIRQL Irql = KeRaiseIrqlToDpcLevel();

    __try
    {
        Repaired = (ULONG)Divide(&Zero);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        Status = _exception_code();
    }
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(Irql);
    EXPECT_EQ(Status, (ULONG)STATUS_INTEGER_DIVIDE_BY_ZERO);
}

TEST(BreakpointIsWhereTheInstructionIs)
{
    __try
    {
        Break();
    }
    __except (Keep(_exception_info(), EXCEPTION_EXECUTE_HANDLER))
    {
    }
    EXPECT_EQ(Seen.ExceptionCode, STATUS_BREAKPOINT);
    EXPECT_EQ(*(PUCHAR)Seen.ExceptionAddress, 0xCC);
}

static LONG StepOver(PEXCEPTION_POINTERS Pointers)
{
    if (Pointers->ExceptionRecord->ExceptionCode != STATUS_BREAKPOINT)
    {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    Pointers->ContextRecord->Rip++;
    return EXCEPTION_CONTINUE_EXECUTION;
}

TEST(DbgBreakPointIsABreakpointThatCanBeHandled)
{
    ULONG Status = 0;

    __try
    {
        DbgBreakPoint();
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        Status = _exception_code();
    }
    EXPECT_EQ(Status, (ULONG)STATUS_BREAKPOINT);
}

TEST(FilterCanStepOverAnInstruction)
{
    Begin();
    __try
    {
        Break();
        Note('a');
    }
    __except (StepOver(_exception_info()))
    {
        Note('b');
    }
    EXPECT_EQ(strcmp(Log, "a"), 0);
}

/* ULONG LoadThroughRcx(ULONG *): the address is certain to be in rcx, and r11 and xmm3 certain to live across the fault. */
ULONG LoadThroughRcx(ULONG *Address);
__asm__(".text\n"
        "LoadThroughRcx:\n"
        "    movl $0x1234567, %r11d\n"
        "    movd %r11d, %xmm3\n"
        "    movl (%rcx), %eax\n"
        "    movd %xmm3, %edx\n"
        "    addl %r11d, %eax\n"
        "    subl %edx, %eax\n"
        "    ret\n");

static LONG Repair(PEXCEPTION_POINTERS Pointers)
{
    Pointers->ContextRecord->Rcx = (ULONG64)(ULONG_PTR)&Repaired;
    return EXCEPTION_CONTINUE_EXECUTION;
}

TEST(ExecutionContinuesAtTheInstructionWithTheContextThatAFilterChanged)
{
    ULONG Value = 0;

    Repaired = 42;
    __try
    {
        Value = LoadThroughRcx(NULL);
    }
    __except (Repair(_exception_info()))
    {
        Value = 1;
    }
    EXPECT_EQ(Value, 42);
}

TEST(FiltersRunFirstThenFinallyFromTheInsideThenTheHandler)
{
    Begin();
    __try
    {
        __try
        {
            __try
            {
                Read(NULL);
            }
            __finally
            {
                Note(_abnormal_termination() ? '1' : 'n');
            }
        }
        __finally
        {
            Note(_abnormal_termination() ? '2' : 'n');
        }
    }
    __except (NoteFilter('f', EXCEPTION_EXECUTE_HANDLER))
    {
        Note('h');
    }
    EXPECT_EQ(strcmp(Log, "f12h"), 0);
}

static NOINLINE VOID HandleInsideFinally(VOID)
{
    __try
    {
        __try
        {
            Read(NULL);
        }
        __except (EXCEPTION_EXECUTE_HANDLER)
        {
            Note('h');
        }
        Note('a');
    }
    __finally
    {
        Note(_abnormal_termination() ? '1' : 'n');
    }
}

TEST(FinallyThatSurroundsTheHandlerRunsWhenItIsReached)
{
    Begin();
    HandleInsideFinally();
    EXPECT_EQ(strcmp(Log, "han"), 0);
}

TEST(FinallyRunsWithoutAnExceptionToo)
{
    Begin();
    __try
    {
        Note('t');
    }
    __finally
    {
        Note(_abnormal_termination() ? 'a' : 'n');
    }
    EXPECT_EQ(strcmp(Log, "tn"), 0);
}

TEST(FilterThatDeclinesLeavesItToTheOuterOne)
{
    Begin();
    __try
    {
        __try
        {
            Read(NULL);
        }
        __except (NoteFilter('i', EXCEPTION_CONTINUE_SEARCH))
        {
            Note('x');
        }
    }
    __except (NoteFilter('o', EXCEPTION_EXECUTE_HANDLER))
    {
        Note('h');
    }
    EXPECT_EQ(strcmp(Log, "ioh"), 0);
}

static NOINLINE LONG FilterThatRaises(ULONG Status)
{
    Note('f');
    if (Status == (ULONG)STATUS_ACCESS_VIOLATION)
    {
        ExRaiseStatus(STATUS_CANCELLED);
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

/* Which begins with the filter itself: its __try has not been left. */
TEST(ExceptionInAFilterIsHandledByWhoeverSurroundsIt)
{
    ULONG Status = 0;

    Begin();
    __try
    {
        __try
        {
            Read(NULL);
        }
        __except (FilterThatRaises(_exception_code()))
        {
            Note('x');
        }
    }
    __except (Keep(_exception_info(), EXCEPTION_EXECUTE_HANDLER))
    {
        Status = _exception_code();
    }
    EXPECT_EQ(strcmp(Log, "ff"), 0);
    EXPECT_EQ(Status, (ULONG)STATUS_CANCELLED);
}

static NOINLINE LONG FilterThatHandlesItsOwn(VOID)
{
    __try
    {
        Read(NULL);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        Note('i');
    }
    return EXCEPTION_EXECUTE_HANDLER;
}

TEST(FilterMayHandleAnExceptionOfItsOwn)
{
    Begin();
    __try
    {
        ExRaiseStatus(STATUS_CANCELLED);
    }
    __except (FilterThatHandlesItsOwn())
    {
        Note(_exception_code() == (ULONG)STATUS_CANCELLED ? 'c' : '?');
    }
    EXPECT_EQ(strcmp(Log, "ic"), 0);
}

/* A second call keeps the first one's return address out of the range that begins behind the inner block: clang's ranges include
 * the address where they end. */
static NOINLINE VOID RaiseInFinally(VOID)
{
    __try
    {
        __try
        {
            Read(NULL);
            Note('x');
        }
        __finally
        {
            Note('1');
            ExRaiseStatus(STATUS_CANCELLED);
        }
    }
    __finally
    {
        Note('2');
    }
}

TEST(ExceptionInAFinallyTakesOverAndTheOuterFinallyRunsOnce)
{
    ULONG Status = 0;

    Begin();
    __try
    {
        __try
        {
            RaiseInFinally();
        }
        __except (NoteFilter('f', EXCEPTION_EXECUTE_HANDLER))
        {
            Note(_exception_code() == (ULONG)STATUS_CANCELLED ? 'c' : '?');
            ExRaiseStatus(STATUS_TIMEOUT);
        }
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        Status = _exception_code();
    }
    /* The first exception finds its handler, whose way there is left by the second, which finds it too. */
    EXPECT_EQ(strcmp(Log, "f1f2c"), 0);
    EXPECT_EQ(Status, (ULONG)STATUS_TIMEOUT);
}

static NOINLINE ULONG ReturnFromTry(volatile ULONG *Value)
{
    __try
    {
        if (Read(Value) != 0)
        {
            return 5;
        }
        Note('x');
    }
    __finally
    {
        Note('f');
    }
    return 6;
}

TEST(ReturnOutOfATryRunsItsFinally)
{
    ULONG One = 1;

    Begin();
    EXPECT_EQ(ReturnFromTry(&One), 5);
    EXPECT_EQ(strcmp(Log, "f"), 0);
}

static LONG ContinueCancelled(PEXCEPTION_POINTERS Pointers)
{
    return Pointers->ExceptionRecord->ExceptionCode == STATUS_CANCELLED ? Keep(Pointers, EXCEPTION_CONTINUE_EXECUTION)
                                                                        : EXCEPTION_CONTINUE_SEARCH;
}

TEST(RaisedStatusCannotBeContinued)
{
    ULONG Status = 0;

    __try
    {
        __try
        {
            ExRaiseStatus(STATUS_CANCELLED);
        }
        __except (ContinueCancelled(_exception_info()))
        {
        }
    }
    __except (_exception_code() == (ULONG)STATUS_NONCONTINUABLE_EXCEPTION ? EXCEPTION_EXECUTE_HANDLER
                                                                       : EXCEPTION_CONTINUE_SEARCH)
    {
        Status = _exception_code();
    }
    EXPECT_EQ(Seen.ExceptionFlags & EXCEPTION_NONCONTINUABLE, EXCEPTION_NONCONTINUABLE);
    EXPECT_EQ(Status, (ULONG)STATUS_NONCONTINUABLE_EXCEPTION);
}

NTSYSAPI VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord);

TEST(RaisedExceptionThatIsContinuedReturnsToItsCaller)
{
    EXCEPTION_RECORD Record;

    RtlZeroMemory(&Record, sizeof(Record));
    Record.ExceptionCode = 0xE0001234;
    Record.NumberParameters = 1;
    Record.ExceptionInformation[0] = 99;
    Begin();
    __try
    {
        RtlRaiseException(&Record);
        Note('r');
    }
    __except (Keep(_exception_info(), EXCEPTION_CONTINUE_EXECUTION))
    {
        Note('x');
    }
    EXPECT_EQ(strcmp(Log, "r"), 0);
    EXPECT_EQ(Seen.ExceptionInformation[0], 99);
}

static ULONG Raised(VOID (*Routine)(VOID))
{
    __try
    {
        Routine();
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        return _exception_code();
    }
    return 0;
}

static VOID RaiseViolation(VOID)
{
    ExRaiseAccessViolation();
}

static VOID RaiseMisalignment(VOID)
{
    ExRaiseDatatypeMisalignment();
}

static VOID ProbeOdd(VOID)
{
    ProbeForRead((PVOID)0x70000001, 8, 4);
}

static VOID ProbeSystem(VOID)
{
    ProbeForRead(&Seen, 8, 1);
}

static VOID ProbeWrapped(VOID)
{
    ProbeForRead((PVOID)0x70000000, ~0ull, 1);
}

static VOID ProbeNothing(VOID)
{
    ProbeForRead((PVOID)0xFFFFF80000000001ull, 0, 4);
    ProbeForWrite((PVOID)0xFFFFF80000000001ull, 0, 4);
}

static VOID ProbeMissing(VOID)
{
    ProbeForWrite((PVOID)0x10000, 8, 4);
}

TEST(RaisesHaveTheStatusOfTheirName)
{
    EXPECT_EQ(Raised(RaiseViolation), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Raised(RaiseMisalignment), (ULONG)STATUS_DATATYPE_MISALIGNMENT);
}

TEST(ProbesRaiseForWhatAUserMayNotPass)
{
    EXPECT_EQ(Raised(ProbeOdd), (ULONG)STATUS_DATATYPE_MISALIGNMENT);
    EXPECT_EQ(Raised(ProbeSystem), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Raised(ProbeWrapped), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Raised(ProbeMissing), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Raised(ProbeNothing), 0);
}

static VOID LockMissing(VOID)
{
    PMDL Mdl = IoAllocateMdl((PVOID)0x10000, 16, FALSE, FALSE, NULL);

    __try
    {
        MmProbeAndLockPages(Mdl, UserMode, IoReadAccess);
    }
    __finally
    {
        IoFreeMdl(Mdl);
    }
}

TEST(LockingPagesThatAreNotThereRaises)
{
    EXPECT_EQ(Raised(LockMissing), (ULONG)STATUS_ACCESS_VIOLATION);
}

static KMUTEX Mutex;
static KSEMAPHORE Semaphore;

static VOID ReleaseForeignMutex(VOID)
{
    KeReleaseMutex(&Mutex, FALSE);
}

static VOID ReleaseBeyondLimit(VOID)
{
    KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 2, FALSE);
}

TEST(MutexReleasedByAnotherRaises)
{
    KeInitializeMutex(&Mutex, 0);
    EXPECT_EQ(Raised(ReleaseForeignMutex), (ULONG)STATUS_MUTANT_NOT_OWNED);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(SemaphoreReleasedBeyondItsLimitRaisesAndKeepsItsCount)
{
    KeInitializeSemaphore(&Semaphore, 1, 2);
    EXPECT_EQ(Raised(ReleaseBeyondLimit), (ULONG)STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT_EQ(KeReadStateSemaphore(&Semaphore), 1);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static VOID AllocateTooMuch(VOID)
{
    ExAllocatePoolWithQuotaTag(NonPagedPool, 0x40000000, TEST_TAG);
}

TEST(QuotaAllocationThatFailsRaises)
{
    EXPECT_EQ(Raised(AllocateTooMuch), (ULONG)STATUS_INSUFFICIENT_RESOURCES);
}

static NTSTATUS LayerFaults(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    Read(NULL);
    return STATUS_SUCCESS;
}

TEST(ExceptionInADispatchRoutineIsHandledByWhoCalledIoCallDriver)
{
    PDEVICE_OBJECT Device = TestPush(NULL, LayerFaults);
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    ULONG Status = 0;

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    __try
    {
        IoCallDriver(Device, Irp);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        Status = _exception_code();
    }
    EXPECT_EQ(Status, (ULONG)STATUS_ACCESS_VIOLATION);
    IoFreeIrp(Irp);
    TestPop(Device);
}

static VOID NTAPI ThreadThatHandles(PVOID Context)
{
    *(PULONG)Context = Raised(RaiseMisalignment);
}

TEST(ThreadHandlesItsOwnExceptions)
{
    TEST_THREAD Thread;
    ULONG Status = 0;

    TestStartThread(&Thread, ThreadThatHandles, &Status);
    TestJoinThread(&Thread);
    EXPECT_EQ(Status, (ULONG)STATUS_DATATYPE_MISALIGNMENT);
}

static ULONG DpcStatus;

static VOID NTAPI DpcThatHandles(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    DpcStatus = Raised(RaiseViolation);
}

TEST(DpcHandlesItsOwnExceptions)
{
    KDPC Dpc;

    KeInitializeDpc(&Dpc, DpcThatHandles, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    EXPECT_EQ(DpcStatus, (ULONG)STATUS_ACCESS_VIOLATION);
}

static NOINLINE ULONG Deep(ULONG Depth)
{
    ULONG Result;

    if (Depth == 0)
    {
        return Read(NULL);
    }
    __try
    {
        Result = Deep(Depth - 1) + 1;
    }
    __finally
    {
        Note('.');
    }
    return Result;
}

TEST(ManyFramesAreUnwoundInOrder)
{
    Begin();
    __try
    {
        Deep(10);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        Note('h');
    }
    EXPECT_EQ(strcmp(Log, "..........h"), 0);
}

TEST(HandledExceptionsLeaveNothingBehind)
{
    ULONG Count;
    ULONG Handled = 0;

    for (Count = 0; Count < 200; Count++)
    {
        Handled += Raised(RaiseViolation) == (ULONG)STATUS_ACCESS_VIOLATION;
    }
    EXPECT_EQ(Handled, 200);
}
