/*
 * Processes: System, and one that the scenario's threads live in. Neither has an address space of its own. Below, what
 * threads and processes can be asked for.
 */
#include "guest/include/obp.h"
#include "guest/include/psp.h"

NTEXPORTDATA(PsInitialSystemProcess);
PEPROCESS PsInitialSystemProcess;
PEPROCESS PspScenarioProcess;

extern PETHREAD PspThreadTable[RD_MAX_STACKS];
BOOLEAN PspInitThreads(VOID);

static VOID PspDeleteProcess(PVOID Object)
{
    /* Both processes hold a reference of their own for ever. */
    RD_KASSERT(Object == NULL);
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
    for (Position = 0; Name[Position] != 0; Position++)
    {
        Process->ImageFileName[Position] = Name[Position];
    }
    return Process;
}

BOOLEAN PsInitSystem(VOID)
{
    ObpSetTypeProcedures(ObpProcessType, &PspProcessProcedures);
    PsInitialSystemProcess = PspCreateProcess(4, "System");
    PspScenarioProcess = PspCreateProcess(0x200, "client.exe");
    return PspInitThreads();
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
    return ((PETHREAD)KiCurrentThread())->Cid.UniqueThread;
}

NTEXPORT(PsGetCurrentProcessId, ANY_LEVEL, "");
HANDLE NTAPI PsGetCurrentProcessId(VOID)
{
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
    return Thread->Cid.UniqueThread;
}

NTEXPORT(PsGetThreadProcessId, ANY_LEVEL, "");
HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread)
{
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
    return Process->UniqueProcessId;
}

NTEXPORT(PsGetProcessImageFileName, ANY_LEVEL, "");
PCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process)
{
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
    PEPROCESS Found = ProcessId == PsInitialSystemProcess->UniqueProcessId ? PsInitialSystemProcess
        : ProcessId == PspScenarioProcess->UniqueProcessId                 ? PspScenarioProcess
                                                                           : NULL;

    if (Found == NULL)
    {
        return STATUS_INVALID_PARAMETER;
    }
    ObReferenceObject(Found);
    *Process = Found;
    return STATUS_SUCCESS;
}
