/*
 * The kernel's own view of threads, processors and waits. Drivers see KTHREAD, ETHREAD and EPROCESS as
 * opaque, apart from a few places that inlined code and debuggers rely on; those offsets are asserted.
 *
 * No locks: the machine switches away from kernel code only where it waits, halts, spins, calls a
 * driver or asks for it (docs/architecture.md). Whoever adds a call into a driver must leave every
 * list consistent first.
 */
#ifndef GUEST_KI_H
#define GUEST_KI_H

#include "guest/include/ntos.h"

#define CLOCK_VECTOR 13

/* DISPATCHER_HEADER.Type and the Type byte of other kernel objects. */
enum
{
    KI_EVENT_NOTIFICATION = 0,
    KI_EVENT_SYNCHRONIZATION = 1,
    KI_MUTANT = 2,
    KI_PROCESS = 3,
    KI_QUEUE = 4,
    KI_SEMAPHORE = 5,
    KI_THREAD = 6,
    KI_GATE = 7,
    KI_TIMER_NOTIFICATION = 8,
    KI_TIMER_SYNCHRONIZATION = 9,
    KI_APC = 0x12,
    KI_DPC = 0x13,
    KI_THREADED_DPC = 0x18
};

/* KWAIT_BLOCK.BlockState */
enum
{
    KI_BLOCK_UNLINKED = 0,
    KI_BLOCK_LINKED = 1
};

#define KI_TIMER_BLOCK THREAD_WAIT_OBJECTS

struct _KPRCB;

typedef struct _KTHREAD
{
    DISPATCHER_HEADER Header;     /* 0x000 */
    LIST_ENTRY MutantListHead;    /* 0x018 owned mutexes */
    LIST_ENTRY QueueListEntry;    /* 0x028 */
    PKQUEUE Queue;                /* 0x038 queue whose concurrency this thread counts for */
    LONG_PTR WaitStatus;          /* 0x040 */
    PKWAIT_BLOCK WaitBlockList;   /* 0x048 blocks of the present wait, NULL while not waiting */
    KAPC_STATE ApcState;          /* 0x050 */
    KAPC_STATE SavedApcState;     /* 0x080 */
    KWAIT_BLOCK WaitBlock[THREAD_WAIT_OBJECTS + 1]; /* 0x0B0; the last one is the timer's */
    LIST_ENTRY ReadyListEntry;    /* 0x170 */
    struct _KPRCB *Prcb;          /* 0x180 the processor it is bound to */
    ULONG WaitBlockCount;         /* 0x188 */
    KIRQL WaitIrql;               /* IRQL at which the wait began */
    KPROCESSOR_MODE WaitMode;
    BOOLEAN Alertable;
    UCHAR WaitReason;
    BOOLEAN Alerted[MaximumMode]; /* 0x190 */
    KPROCESSOR_MODE PreviousMode;
    UCHAR ApcStateIndex;          /* 0: home process, 1: attached */
    SCHAR Priority;
    SCHAR BasePriority;
    BOOLEAN ApcQueueable;         /* cleared by thread exit */
    UCHAR SuspendCount;
    BOOLEAN SystemThread;         /* 0x198 */
    BOOLEAN Terminating;          /* inside PspExitThread */
    BOOLEAN TerminateRequested;   /* by another thread: its APC is on the way */
    BOOLEAN TerminateArrived;     /* the APC has run: ends at the next system-call boundary */
    UCHAR Spare0[4];
    ULONG Index;                  /* 0x1A0 number of its stack and pool slab */
    ULONG ContextSwitches;
    ULONG64 WaitTime;             /* 0x1A8 */
    PVOID Teb;                    /* 0x1B0 */
    PVOID Win32Thread;            /* 0x1B8 */
    ULONG Spare1;                 /* 0x1C0 */
    union
    {
        struct
        {
            SHORT KernelApcDisable;  /* 0x1C4 critical region: 0 enabled, -n disabled n times */
            SHORT SpecialApcDisable; /* 0x1C6 guarded region */
        };
        ULONG CombinedApcDisable;
    };
    PVOID InitialStack;           /* 0x1C8 one past the highest byte */
    PVOID StackLimit;             /* 0x1D0 */
    PKPROCESS Process;            /* 0x1D8 home process */
    PVOID NamedWaitObject;        /* 0x1E0 KiNameWait: what a hang report shows for the next wait */
    PVOID NamedWaitOwner;
    ULONG NamedWaitType;
    BOOLEAN WaitNext;             /* KeSetEvent and so on with Wait = TRUE: still at DISPATCH_LEVEL */
    KIRQL WaitNextIrql;
    UCHAR Spare2[2];
    struct _KI_MODE *Mode;        /* 0x1F8 who has to put PreviousMode back, innermost first */
    struct rd_thread Rd;          /* 0x200 the machine's view; holds the thread's state */
    KTIMER Timer;                 /* time-outs of waits */
    KAPC SuspendApc;
    KSEMAPHORE SuspendSemaphore;
    KAPC TerminateApc;
} KTHREAD;
C_ASSERT(FIELD_OFFSET(KTHREAD, ApcState) == 0x50);
C_ASSERT(FIELD_OFFSET(KTHREAD, ReadyListEntry) == 0x170);
C_ASSERT(FIELD_OFFSET(KTHREAD, Index) == 0x1A0);
C_ASSERT(FIELD_OFFSET(KTHREAD, Spare1) == RD_KTHREAD_APC_GRANULE);
C_ASSERT(FIELD_OFFSET(KTHREAD, KernelApcDisable) == RD_KTHREAD_KERNEL_APC_DISABLE);
C_ASSERT(FIELD_OFFSET(KTHREAD, SpecialApcDisable) == RD_KTHREAD_SPECIAL_APC_DISABLE);
C_ASSERT(FIELD_OFFSET(KTHREAD, Rd) == 0x200);

typedef struct _ETHREAD
{
    KTHREAD Tcb;
    CLIENT_ID Cid;
    PKSTART_ROUTINE StartAddress;
    PVOID StartContext;
    LIST_ENTRY IrpList;           /* threaded IRPs, linked through Irp->ThreadListEntry */
    LIST_ENTRY ThreadListEntry;   /* in its process */
    PEPROCESS ThreadsProcess;
    NTSTATUS ExitStatus;
    BOOLEAN ActiveExWorker;
    BOOLEAN ScenarioDone;         /* RdMarkScenarioDone */
    UCHAR Spare[2];
    PVOID ScenarioContext;        /* the scenario executor's */
    PVOID IoReserved[4];          /* the I/O manager's */
} ETHREAD;

/* PreviousMode while somebody has changed it. It lies in the frame that changes it, so that unwinding, which ends frames without
 * a return, finds what to put back (KiUnwindModes). */
typedef struct _KI_MODE
{
    struct _KI_MODE *Outer;
    KPROCESSOR_MODE Previous;
} KI_MODE, *PKI_MODE;

VOID KiEnterMode(PKI_MODE Mode, KPROCESSOR_MODE PreviousMode);
VOID KiLeaveMode(PKI_MODE Mode);
/* Every frame below this one is about to end. */
VOID KiUnwindModes(ULONG64 EstablisherFrame);

/* PreviousMode is KernelMode inside a Zw routine, so drivers that it calls take the kernel for their caller. */
#define ZW(Call)                                                                                   \
    do                                                                                             \
    {                                                                                              \
        KI_MODE Mode;                                                                              \
        NTSTATUS Status;                                                                           \
        KiEnterMode(&Mode, KernelMode);                                                            \
        Status = (Call);                                                                           \
        KiLeaveMode(&Mode);                                                                        \
        return Status;                                                                             \
    } while (0)

typedef struct _KPROCESS
{
    DISPATCHER_HEADER Header;
    LIST_ENTRY ThreadListHead;
    ULONG StackCount;
    ULONG Spare;
} KPROCESS;

typedef struct _EPROCESS
{
    KPROCESS Pcb;
    HANDLE UniqueProcessId;
    PVOID ObjectTable;            /* the object manager's */
    PVOID Token;                  /* the security part's */
    NTSTATUS ExitStatus;
    BOOLEAN Exiting;
    CHAR ImageFileName[16];
    PVOID IoReserved[4];
} EPROCESS;

/* What the machine and inlined code call the processor control region. The DDK's KPCR covers the first
 * 0x180 bytes; the PRCB follows. */
typedef struct _KPRCB
{
    ULONG MxCsr;                  /* gs:180h */
    USHORT Number;                /* gs:184h */
    USHORT Spare0;
    PKTHREAD CurrentThread;       /* gs:188h */
    PKTHREAD NextThread;          /* gs:190h */
    PKTHREAD IdleThread;          /* gs:198h */
    ULONG64 BoundThreads;         /* threads that live on this processor; read by whoever creates one */
    ULONG64 ReadySummary;         /* bit n: ReadyListHead[n] is not empty */
    LIST_ENTRY ReadyListHead[32];
    LIST_ENTRY DpcListHead;
    BOOLEAN DpcRoutineActive;
    UCHAR Spare1[7];
    PKDPC ActiveDpc;
    LIST_ENTRY ReaperListHead;    /* terminated threads, through ReadyListEntry: dereferenced off their stacks */
    PVOID ExceptionRecord;        /* of the bugcheck that follows; NULL: not for an exception */
    PVOID ExceptionContext;
    KSPIN_LOCK_QUEUE LockQueue[LockQueueMaximumLock];
    DECLSPEC_ALIGN(16) UCHAR IdleObjectHeader[0x60]; /* the object manager's, in front of Idle */
    ETHREAD Idle;
} KPRCB, *PKPRCB;
C_ASSERT(FIELD_OFFSET(KPRCB, Idle) % 16 == 0);
C_ASSERT(FIELD_OFFSET(KPRCB, Number) == RD_PCR_NUMBER - 0x180);
C_ASSERT(FIELD_OFFSET(KPRCB, CurrentThread) == RD_PCR_CURRENT_THREAD - 0x180);

typedef struct _KI_PCR
{
    KPCR Pcr;
    DECLSPEC_ALIGN(16) UCHAR Fill[0x180 - ((sizeof(KPCR) + 15) & ~15)];
    KPRCB Prcb;
} KI_PCR, *PKI_PCR;
C_ASSERT(FIELD_OFFSET(KI_PCR, Prcb) == 0x180);
C_ASSERT(sizeof(KI_PCR) <= RD_PCR_STRIDE);

static inline PKI_PCR KiPcrOf(ULONG Processor)
{
    return (PKI_PCR)(ULONG_PTR)(RD_PCR_BASE + Processor * RD_PCR_STRIDE);
}
/* A thread never changes its processor, so the compiler may keep both over a wait. */
static inline PKPRCB KiCurrentPrcb(VOID)
{
    PKPRCB Prcb;
    __asm__("movq %%gs:%c1, %0" : "=r"(Prcb) : "i"(RD_PCR_PRCB));
    return Prcb;
}
static inline PKTHREAD KiCurrentThread(VOID)
{
    PKTHREAD Thread;
    __asm__("movq %%gs:%c1, %0" : "=r"(Thread) : "i"(RD_PCR_CURRENT_THREAD));
    return Thread;
}
/* Processor 0 and those that threads are bound to. */
static inline ULONG KiActiveProcessors(VOID)
{
    const struct rd_loader_block *Block = RdLoaderBlock;

    return Block->cpus != 0 && Block->cpus + 1 < Block->max_cpus ? Block->cpus + 1 : Block->max_cpus;
}
static inline KIRQL KiRaiseIrql(KIRQL Irql)
{
    KIRQL Old = (KIRQL)__readcr8();
    __writecr8(Irql);
    return Old;
}

/* Off a list whose entries drivers can damage: a KEVENT initialised again while waited for, a KTIMER while
 * armed. NT checks the links and stops with 0x139, so does this. */
static inline VOID KiRemoveEntry(PLIST_ENTRY Entry)
{
    if (Entry->Flink->Blink != Entry || Entry->Blink->Flink != Entry)
    {
        KeBugCheckEx(RDBC_KERNEL_SECURITY_CHECK_FAILURE, 3, 0, 0, 0);
    }
    RemoveEntryList(Entry);
}

/* thread.c */
/* Number of a fresh stack and pool slab; ~0u: none left. */
ULONG KiAllocateThreadIndex(VOID);
/* Everything but its stack's content: a thread that could be made ready once it has one. */
VOID KiInitializeThread(PKTHREAD Thread, ULONG Index, PKPROCESS Process, PCSTR Name);
/* Lets the thread begin with SystemRoutine(StartRoutine, Context) at APC_LEVEL. */
VOID KiPrepareThreadStack(PKTHREAD Thread, PVOID SystemRoutine, PVOID StartRoutine, PVOID Context);
VOID KiBindThread(PKTHREAD Thread);
VOID KeReadyThread(PKTHREAD Thread);
VOID KiInitializeSuspension(PKTHREAD Thread);
NTSTATUS KeSuspendThread(PKTHREAD Thread, PULONG PreviousCount);
ULONG KeResumeThread(PKTHREAD Thread);
VOID KeForceResumeThread(PKTHREAD Thread); /* whatever its suspend count */
/* Leaves the processor for ever; the thread object is signaled, its own reference goes once it is off its stack. */
DECLSPEC_NORETURN VOID KeTerminateThread(VOID);

/* sched.c: the dispatcher */
VOID KiReadyThread(PKTHREAD Thread);
LONG_PTR KiSwapThread(VOID);
VOID KiDispatchPreempt(VOID);
VOID KiIdleLoop(VOID);
VOID KiRequestDispatch(PKPRCB Prcb);

/* switch.S */
VOID KiSwapContext(PKTHREAD Old, PKTHREAD New);
VOID KiStartSystemThread(VOID);
VOID KiSwapContextResume(VOID);
VOID KiInterruptEntry(VOID);
VOID KiStartProcessor(VOID);

/* wait.c */
VOID KiWaitTest(PDISPATCHER_HEADER Object, KPRIORITY Increment);
BOOLEAN KiTryUnwaitThread(PKTHREAD Thread, LONG_PTR Status, KPRIORITY Increment);
/* The current thread's next wait is shown as a wait for Object (enum rd_wait_type) held by Owner (a
 * KTHREAD or NULL): for locks that are built on events. */
VOID KiNameWait(PVOID Object, ULONG Type, PVOID Owner);

LONG_PTR KiWaitOnQueue(PKQUEUE Queue, KPROCESSOR_MODE Mode, PLARGE_INTEGER Timeout);
/* queue.c */
LONG_PTR KiTakeQueueEntry(PKQUEUE Queue, PKTHREAD Thread);
LONG KiInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry, BOOLEAN Head);
VOID KiThreadLeavesQueue(PKTHREAD Thread);

/* apc.c */
VOID KiDeliverApc(KPROCESSOR_MODE DeliveryMode);
BOOLEAN KeRemoveQueueApc(PKAPC Apc);
VOID KeRundownApcQueues(PKTHREAD Thread);
/* A counter of APC disables may have become zero: delivers here what was held back. */
VOID KiApcsEnabledAgain(PKTHREAD Thread);

/* dpc.c, timer.c, interrupt.c */
VOID KiRetireDpcList(PKPRCB Prcb);
VOID KiInsertQueueDpc(PKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2);
VOID KiTimerExpiration(VOID);
/* Due on the machine's clock (RdTime). */
VOID KiInsertTimer(PKTIMER Timer, ULONG64 Due);
VOID KiRemoveTimer(PKTIMER Timer);
/* One tick, 15.625 ms, in 100 ns. */
#define KI_TICK 156250u
LONG64 KiSystemTime(VOID);
ULONG64 KiSystemTimeToMachineTime(LONG64 SystemTime);
VOID KiInterruptDispatch(struct rd_interrupt_frame *Frame);

/* For the verifier: what of a kind lies in [Start, End), the lowest of several. */
static inline BOOLEAN KiInRange(const volatile VOID *Object, ULONG64 Start, ULONG64 End)
{
    return RD_ADDRESS(Object) - Start < End - Start;
}
PKTIMER KiFindTimer(ULONG64 Start, ULONG64 End, BOOLEAN ByDpc);
/* KDPC.Number: 0 the queueing processor, else this plus the processor's number. */
#define KI_DPC_TARGETED 0x800
PKDPC KiFindDpc(ULONG64 Start, ULONG64 End);
PVOID KiFindBugCheckCallback(ULONG64 Start, ULONG64 End);
PKAPC KiFindApc(PKTHREAD Thread, ULONG64 Start, ULONG64 End);

/* attach.c */
VOID KiInitializeProcess(PKPROCESS Process);

/* mutex.c: mutexes that an ending thread still owns become abandoned. */
VOID KiAbandonMutexes(PKTHREAD Thread);

/* System calls of scenario threads: enter before each verb, exit behind it. ServiceRoutine names the
 * verb in 0x1 and 0x4A. */
VOID KiSystemServiceEnter(PVOID ServiceRoutine);
VOID KiSystemServiceExit(PVOID ServiceRoutine);

/* init.c, shared.c */
VOID KiInitializeProcessor(ULONG Number);
DECLSPEC_NORETURN VOID KiInitializeKernel(struct rd_loader_block *LoaderBlock);
DECLSPEC_NORETURN VOID KiProcessorStartup(VOID);
VOID KiInitializeSharedData(VOID);
VOID KiUpdateSharedTime(VOID);

/* trap.S: a system service of a scenario thread; calls Service(First, Second). */
NTSTATUS KiSystemServiceCopyEnd(PVOID Service, const VOID *First, const VOID *Second);
/* except.c: processor exceptions, by vector. */
extern VOID (*const KiFaultVectors[RD_FAULT_VECTORS])(VOID);

/* ke/balance.c: raises of a count (any address) that the running processor has not taken back. Lower: FALSE when it has none. */
VOID KiBalanceRaise(PVOID Count);
BOOLEAN KiBalanceLower(PVOID Count);
/* The count begins anew. */
VOID KiBalanceForget(PVOID Count);

#endif
