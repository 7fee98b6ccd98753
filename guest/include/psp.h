/* Threads and processes, above the dispatcher's KTHREAD. */
#ifndef GUEST_PSP_H
#define GUEST_PSP_H

#include "guest/include/ki.h"

extern PEPROCESS PsInitialSystemProcess;
BOOLEAN PsInitSystem(VOID);
BOOLEAN PspInitThreads(VOID);
/* The process of scenario thread number Index, made on first use. */
PEPROCESS PspScenarioProcess(ULONG Index, PCSTR Name);

/* A thread with PreviousMode as given that has not started, in a process of its own; NULL: no stack left. The
 * caller holds a reference. PsStartThread makes it ready. ScenarioIndex ~0u: not counted for the end of a run. */
PETHREAD PsCreateScenarioThread(PCSTR Name, PKSTART_ROUTINE Routine, PVOID Context,
    KPROCESSOR_MODE PreviousMode, ULONG ScenarioIndex);
VOID PsStartThread(PETHREAD Thread);
/* This scenario thread has run its last step (before it exits or waits for ever). */
VOID RdMarkScenarioDone(PETHREAD Thread);

NTSTATUS PsSuspendThread(PETHREAD Thread, PULONG PreviousCount);
NTSTATUS PsResumeThread(PETHREAD Thread, PULONG PreviousCount);
/* Ends a user-mode thread from outside: at its next system-call boundary, or at once when it waits in
 * UserMode. A thread that disabled kernel APCs is not reached until it enables them. */
NTSTATUS PsTerminateThread(PETHREAD Thread, NTSTATUS ExitStatus);
/* The current thread, from inside the kernel; never returns. */
DECLSPEC_NORETURN VOID PspExitThread(NTSTATUS ExitStatus);

/* System threads of the kernel's own (workers): Name shows in reports. Started at once. */
PETHREAD PspCreateKernelThread(
    PCSTR Name, PKSTART_ROUTINE Routine, PVOID Context, KPRIORITY Priority);

/* ke/trap.S: the first frame of a system thread, with the handler of last resort. */
VOID PspSystemThreadStartup(PKSTART_ROUTINE StartRoutine, PVOID StartContext);
VOID PspBeginSystemThread(VOID);

/* Registered notify routines, called by create and exit. */
VOID PspCallThreadNotifyRoutines(PETHREAD Thread, BOOLEAN Create);
VOID PspCallLoadImageNotifyRoutines(
    PUNICODE_STRING FullImageName, HANDLE ProcessId, PIMAGE_INFO ImageInfo);
VOID PspCallProcessNotifyRoutines(PEPROCESS Process, BOOLEAN Create);

/* For the verifier: what is registered, runs or is queued in [Start, End). */
PVOID PspFindNotifyRoutine(ULONG64 Start, ULONG64 End);
PETHREAD PspFindThreadIn(ULONG64 Start, ULONG64 End);
PKAPC PspFindApc(ULONG64 Start, ULONG64 End);

/* The scenario executor (ps/scenario.c). Boot order: RdRunSetup runs the loader block's setup steps on
 * the boot thread, RdCreateScenario creates the threads without starting them, RdStartScenario makes
 * them ready behind RD_HC_READY. */
VOID RdRunSetup(VOID);
VOID RdCreateScenario(VOID);
VOID RdStartScenario(VOID);

#endif
