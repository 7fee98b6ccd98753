/*
 * Processes: System, and one for each thread of the scenario, so that the end of one thread (which closes its process's
 * handles) has nothing to do with the end of another. None has an address space of its own. Below, what threads and
 * processes can be asked for.
 */
#include "guest/include/obp.h"
#include "guest/include/psp.h"

NTEXPORTDATA(PsInitialSystemProcess);
PEPROCESS PsInitialSystemProcess;

/* Ids begin here, behind every thread's. */
#define PSP_FIRST_PROCESS_ID 0x200u

static PEPROCESS PspScenarioProcesses[RD_MAX_CPUS];

extern PETHREAD PspThreadTable[RD_MAX_STACKS];

static VOID PspDeleteProcess(PVOID Object)
{
    /* Processes keep the reference that they were made with: somebody has dropped one too many. */
    KeBugCheckEx(RDBC_REFERENCE_BY_POINTER, RD_ADDRESS(ObpProcessType), RD_ADDRESS(Object), 0, 0);
}

static const OBP_TYPE_PROCEDURES PspProcessProcedures = {
    .Delete = PspDeleteProcess,
    .WaitOffset = FIELD_OFFSET(EPROCESS, Pcb.Header),
};

static PEPROCESS PspCreateProcess(ULONG Id, PCSTR Name)
{
    PEPROCESS Process = ObpAllocateObject(ObpProcessType, sizeof(EPROCESS));
    ULONG Position;

    RD_KASSERT(Process != NULL);
    KiInitializeProcess(&Process->Pcb);
    Process->UniqueProcessId = UlongToHandle(Id);
    for (Position = 0; Name[Position] != 0 && Position < sizeof(Process->ImageFileName) - 1;
         Position++)
    {
        Process->ImageFileName[Position] = Name[Position];
    }
    return Process;
}

BOOLEAN PsInitSystem(VOID)
{
    ObpSetTypeProcedures(ObpProcessType, &PspProcessProcedures);
    PsInitialSystemProcess = PspCreateProcess(4, "System");
    ObpHeaderOf(PsInitialSystemProcess)->Flags |= OB_FLAG_IMMORTAL;
    return PspInitThreads();
}

PEPROCESS PspScenarioProcess(ULONG Index, PCSTR Name)
{
    RD_KASSERT(Index < RD_MAX_CPUS);
    if (PspScenarioProcesses[Index] == NULL)
    {
        PspScenarioProcesses[Index] = PspCreateProcess(PSP_FIRST_PROCESS_ID + 4 * Index, Name);
    }
    return PspScenarioProcesses[Index];
}

/* The current thread. */

#undef PsGetCurrentThread
NTEXPORT(PsGetCurrentThread, ANY_LEVEL, "");
PETHREAD NTAPI PsGetCurrentThread(VOID)
{
    return (PETHREAD)KiCurrentThread();
}

#undef PsGetCurrentProcess
#undef IoGetCurrentProcess
static PEPROCESS PspCurrentProcess(VOID)
{
    return CONTAINING_RECORD(KiCurrentThread()->ApcState.Process, EPROCESS, Pcb);
}

NTEXPORT(PsGetCurrentProcess, ANY_LEVEL, "");
PEPROCESS NTAPI PsGetCurrentProcess(VOID)
{
    return PspCurrentProcess();
}

NTEXPORT(IoGetCurrentProcess, ANY_LEVEL, "");
PEPROCESS NTAPI IoGetCurrentProcess(VOID)
{
    return PspCurrentProcess();
}

NTEXPORT(PsGetCurrentThreadId, ANY_LEVEL, "");
HANDLE NTAPI PsGetCurrentThreadId(VOID)
{
    RdToldApart();
    return ((PETHREAD)KiCurrentThread())->Cid.UniqueThread;
}

NTEXPORT(PsGetCurrentProcessId, ANY_LEVEL, "");
HANDLE NTAPI PsGetCurrentProcessId(VOID)
{
    RdToldApart();
    return ((PETHREAD)KiCurrentThread())->Cid.UniqueProcess;
}

NTEXPORT(ExGetPreviousMode, ANY_LEVEL, "");
KPROCESSOR_MODE NTAPI ExGetPreviousMode(VOID)
{
    return KiCurrentThread()->PreviousMode;
}

/* Any thread or process. */

NTEXPORT(PsGetThreadId, ANY_LEVEL, "");
HANDLE NTAPI PsGetThreadId(PETHREAD Thread)
{
    RdToldApart();
    return Thread->Cid.UniqueThread;
}

NTEXPORT(PsGetThreadProcessId, ANY_LEVEL, "");
HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread)
{
    RdToldApart();
    return Thread->Cid.UniqueProcess;
}

NTEXPORT(PsGetThreadProcess, ANY_LEVEL, "");
PEPROCESS NTAPI PsGetThreadProcess(PETHREAD Thread)
{
    return Thread->ThreadsProcess;
}

NTEXPORT(IoThreadToProcess, ANY_LEVEL, "");
PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread)
{
    return Thread->ThreadsProcess;
}

NTEXPORT(PsIsSystemThread, ANY_LEVEL, "");
BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread)
{
    return Thread->Tcb.SystemThread;
}

NTEXPORT(IoIsSystemThread, ANY_LEVEL, "");
BOOLEAN NTAPI IoIsSystemThread(PETHREAD Thread)
{
    return Thread->Tcb.SystemThread;
}

NTEXPORT(PsGetProcessId, ANY_LEVEL, "");
HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
    RdToldApart();
    return Process->UniqueProcessId;
}

NTEXPORT(PsGetProcessImageFileName, ANY_LEVEL, "");
PCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process)
{
    RdToldApart();
    return Process->ImageFileName;
}

NTEXPORT(PsGetProcessExitStatus, ANY_LEVEL, "");
NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS Process)
{
    return Process->Exiting ? Process->ExitStatus : STATUS_PENDING;
}

NTEXPORT(PsIsSystemProcess, ANY_LEVEL, "");
BOOLEAN NTAPI PsIsSystemProcess(PEPROCESS Process)
{
    return Process == PsInitialSystemProcess;
}

NTEXPORT(PsLookupThreadByThreadId, APC_LEVEL, "thread");
NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread)
{
    ULONG Index;

    for (Index = 0; Index < RD_MAX_STACKS; Index++)
    {
        PETHREAD Candidate = PspThreadTable[Index];
        if (Candidate != NULL && Candidate->Cid.UniqueThread == ThreadId)
        {
            ObReferenceObject(Candidate);
            *Thread = Candidate;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_PARAMETER;
}

NTEXPORT(PsLookupProcessByProcessId, APC_LEVEL, "process");
NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
    ULONG Index = (HandleToUlong(ProcessId) - PSP_FIRST_PROCESS_ID) / 4;
    PEPROCESS Found = NULL;

    if (ProcessId == PsInitialSystemProcess->UniqueProcessId)
    {
        Found = PsInitialSystemProcess;
    }
    else if (HandleToUlong(ProcessId) >= PSP_FIRST_PROCESS_ID && Index < RD_MAX_CPUS
        && PspScenarioProcesses[Index] != NULL && !PspScenarioProcesses[Index]->Exiting)
    {
        Found = PspScenarioProcesses[Index];
    }
    if (Found == NULL)
    {
        return STATUS_INVALID_PARAMETER;
    }
    ObReferenceObject(Found);
    *Process = Found;
    return STATUS_SUCCESS;
}
