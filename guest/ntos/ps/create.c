/*
 * Creating threads. An ETHREAD is an object of the object manager's; while its thread lives it holds a reference on
 * itself, which goes when the thread has left its stack for the last time. Its number decides stack, pool slab
 * and client id, so all three depend on the order of creations only.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"
#include "guest/include/obp.h"
#include "guest/include/psp.h"

PETHREAD PspThreadTable[RD_MAX_STACKS];

/* First of all in a system thread, at APC_LEVEL, from PspSystemThreadStartup (ke/trap.S). */
VOID PspBeginSystemThread(VOID)
{
    PETHREAD Thread = (PETHREAD)KiCurrentThread();

    __writecr8(PASSIVE_LEVEL);
    KiApcsEnabledAgain(&Thread->Tcb);
    RdPassFrame(Thread->StartContext, &Thread->StartContext);
}

/* First C code of a scenario's thread: it may have been terminated before it ran. */
static VOID PspUserThreadStartup(PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    PKTHREAD Thread = KiCurrentThread();

    __writecr8(PASSIVE_LEVEL);
    KiApcsEnabledAgain(Thread);
    if (Thread->TerminateArrived)
    {
        PspExitThread(((PETHREAD)Thread)->ExitStatus);
    }
    StartRoutine(StartContext);
    PspExitThread(STATUS_SUCCESS);
}

/* "thread 84": a driver's thread is known by its id. */
static VOID PspNameById(PETHREAD Thread)
{
    static const CHAR Digits[] = "0123456789abcdef";
    PCHAR Name = Thread->Tcb.Rd.name;
    ULONG Id = HandleToUlong(Thread->Cid.UniqueThread);

    RtlCopyMemory(Name, "thread ", 7);
    Name += 7;
    if (Id >= 0x100)
    {
        *Name++ = Digits[Id >> 8];
    }
    *Name++ = Digits[Id >> 4 & 15];
    *Name++ = Digits[Id & 15];
    *Name = 0;
}

/* A thread that has not started, with the caller's reference. Name NULL: known by its id. NULL: no pool or no stack. */
static PETHREAD PspCreateThread(
    PEPROCESS Process, PCSTR Name, PKSTART_ROUTINE Routine, PVOID Context, BOOLEAN System)
{
    ULONG Index = KiAllocateThreadIndex();
    PETHREAD Thread;

    if (Index == ~0u)
    {
        return NULL;
    }
    Thread = ObpAllocateObject(ObpThreadType, sizeof(ETHREAD));
    if (Thread == NULL)
    {
        return NULL;
    }
    KiInitializeThread(&Thread->Tcb, Index, &Process->Pcb, Name != NULL ? Name : "");
    Thread->Tcb.SystemThread = System;
    Thread->Tcb.PreviousMode = KernelMode;
    InitializeListHead(&Thread->IrpList);
    Thread->StartAddress = Routine;
    Thread->StartContext = Context;
    Thread->Cid.UniqueProcess = Process->UniqueProcessId;
    Thread->Cid.UniqueThread = UlongToHandle(4 + Index * 4);
    if (Name == NULL)
    {
        PspNameById(Thread);
    }
    Thread->ThreadsProcess = Process;
    InsertTailList(&Process->Pcb.ThreadListHead, &Thread->ThreadListEntry);
    ObReferenceObject(Process);
    PspThreadTable[Index] = Thread;
    Thread->Tcb.Rd.id = 4 + Index * 4 + (RD_ADDRESS(Process->UniqueProcessId) << 32);
    Thread->Tcb.Rd.start_routine = RD_ADDRESS(Routine);
    Thread->Tcb.Rd.flags = System ? RD_THREAD_SYSTEM : 0;
    KiBindThread(&Thread->Tcb);
    KiPrepareThreadStack(
        &Thread->Tcb, System ? PspSystemThreadStartup : PspUserThreadStartup, Routine, Context);
    RdNewThread(&Thread->Tcb.Rd);
    return Thread;
}

/* A system thread that begins in the range and has not left it for good; for the verifier. */
NOLOG PETHREAD PspFindThreadIn(ULONG64 Start, ULONG64 End)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(PspThreadTable); Index++)
    {
        PETHREAD Thread = PspThreadTable[Index];
        if (Thread != NULL && !Thread->Tcb.Terminating
            && Thread->Tcb.Rd.state != RD_THREAD_TERMINATED
            && KiInRange((PVOID)(ULONG_PTR)Thread->StartAddress, Start, End))
        {
            return Thread;
        }
    }
    return NULL;
}

/* A queued APC that lies in the range, or one of whose routines does; for the verifier. */
NOLOG PKAPC PspFindApc(ULONG64 Start, ULONG64 End)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(PspThreadTable); Index++)
    {
        PETHREAD Thread = PspThreadTable[Index];
        PKAPC Apc = Thread != NULL && Thread->Tcb.Rd.state != RD_THREAD_TERMINATED
            ? KiFindApc(&Thread->Tcb, Start, End)
            : NULL;
        if (Apc != NULL)
        {
            return Apc;
        }
    }
    return NULL;
}

VOID PsStartThread(PETHREAD Thread)
{
    /* The running thread's reference on itself. */
    ObReferenceObject(Thread);
    if (Thread->ThreadsProcess->Pcb.StackCount++ == 0 && !Thread->Tcb.SystemThread)
    {
        PspCallProcessNotifyRoutines(Thread->ThreadsProcess, TRUE);
    }
    PspCallThreadNotifyRoutines(Thread, TRUE);
    KeReadyThread(&Thread->Tcb);
}

PETHREAD PspCreateKernelThread(
    PCSTR Name, PKSTART_ROUTINE Routine, PVOID Context, KPRIORITY Priority)
{
    PETHREAD Thread = PspCreateThread(PsInitialSystemProcess, Name, Routine, Context, TRUE);

    if (Thread != NULL)
    {
        Thread->Tcb.Priority = (SCHAR)Priority;
        Thread->Tcb.BasePriority = (SCHAR)Priority;
        PsStartThread(Thread);
    }
    return Thread;
}

PETHREAD PsCreateScenarioThread(PCSTR Name, PKSTART_ROUTINE Routine, PVOID Context,
    KPROCESSOR_MODE PreviousMode, ULONG ScenarioIndex)
{
    PETHREAD Thread = PspCreateThread(
        PspScenarioProcess(ScenarioIndex, Name), Name, Routine, Context, FALSE);

    if (Thread != NULL)
    {
        Thread->Tcb.PreviousMode = PreviousMode;
        Thread->Tcb.Rd.scenario_index = ScenarioIndex;
    }
    return Thread;
}

NTEXPORT(PsCreateSystemThread, PASSIVE_LEVEL, "thread");
NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
    POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle, PCLIENT_ID ClientId,
    PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    PEPROCESS Process = PsInitialSystemProcess;
    PETHREAD Thread;
    NTSTATUS Status;
    HANDLE Handle;

    if (ProcessHandle != NULL && ProcessHandle != ZwCurrentProcess())
    {
        Status = ObReferenceObjectByHandle(
            ProcessHandle, 0, ObpProcessType, KernelMode, (PVOID *)&Process, NULL);
        if (!NT_SUCCESS(Status))
        {
            return Status;
        }
        ObDereferenceObject(Process);
    }
    else if (ProcessHandle == ZwCurrentProcess())
    {
        Process = ((PETHREAD)KiCurrentThread())->ThreadsProcess;
    }
    /* Kernel code wherever it lives: the caller's process decides only whose handles it sees. */
    Thread = PspCreateThread(Process, NULL, StartRoutine, StartContext, TRUE);
    if (Thread == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = ObpCreateHandle(Thread, DesiredAccess,
        ObjectAttributes != NULL ? ObjectAttributes->Attributes : 0, &Handle);
    if (!NT_SUCCESS(Status))
    {
        Thread->Tcb.Prcb->BoundThreads--;
        ObDereferenceObject(Thread);
        return Status;
    }
    RdHoldFrame(StartContext, &Thread->StartContext, RD_HOLD_THREAD_CONTEXT);
    *ThreadHandle = Handle;
    if (ClientId != NULL)
    {
        *ClientId = Thread->Cid;
    }
    RdSchedule(); /* it can be found by its handle, and has not run yet */
    PsStartThread(Thread);
    ObDereferenceObject(Thread);
    return STATUS_SUCCESS;
}

/* In whatever order threads leave, those that stay are in the order of their creation: leaving counts on the list's head,
 * which whoever adds to the list or walks it touches. */
static NOLOG VOID PspUnlinkThread(PETHREAD Thread)
{
    PLIST_ENTRY Head = &Thread->ThreadsProcess->Pcb.ThreadListHead;

    RemoveEntryList(&Thread->ThreadListEntry);
    RdTouchCount(Head, sizeof *Head);
}

/* Delete procedure of thread objects. */
static VOID PspDeleteThread(PVOID Object)
{
    PETHREAD Thread = Object;

    if (Thread->Tcb.Rd.state != RD_THREAD_TERMINATED
        && Thread->Tcb.Rd.state != RD_THREAD_INITIALIZED)
    {
        /* It still holds a reference on itself: somebody has dropped one too many. */
        KeBugCheckEx(
            RDBC_REFERENCE_BY_POINTER, RD_ADDRESS(ObpThreadType), RD_ADDRESS(Object), 0, 0);
    }
    PspThreadTable[Thread->Tcb.Index] = NULL;
    PspUnlinkThread(Thread);
    ObDereferenceObject(Thread->ThreadsProcess);
}

static const OBP_TYPE_PROCEDURES PspThreadProcedures = {
    .Delete = PspDeleteThread,
    .WaitOffset = FIELD_OFFSET(ETHREAD, Tcb.Header),
};

BOOLEAN PspInitThreads(VOID)
{
    ObpSetTypeProcedures(ObpThreadType, &PspThreadProcedures);
    return TRUE;
}
