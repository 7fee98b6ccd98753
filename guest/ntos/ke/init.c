/*
 * Boot. Processor 0 prepares every processor's control region and the components that need no threads, creates the boot
 * thread and becomes the clock processor. The boot thread does the rest: workers, the I/O system, the
 * scenario's setup and its threads; when RD_HC_READY returns, an execution begins and it starts them.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"
#include "guest/include/mi.h"
#include "guest/include/obp.h"
#include "guest/include/psp.h"
#include "guest/include/seh.h"

C_ASSERT(RD_STACK_BASE + RD_STACK_GUARD == 0xFFFFF88000102000ull); /* KiSystemStartup */
C_ASSERT(RD_STACK_SIZE == 0x6000);
C_ASSERT(RD_SHADOW_STACK == 0xF5 && RD_HC_MAP == 10);
C_ASSERT(sizeof(OBJECT_HEADER) == sizeof(((PKPRCB)0)->IdleObjectHeader));
C_ASSERT(FIELD_OFFSET(KPCR, NtTib.StackBase) == RD_PCR_SELF - 0x10);

VOID KiInitializeProcessor(ULONG Number)
{
    PKI_PCR Pcr = KiPcrOf(Number);
    PKPRCB Prcb = &Pcr->Prcb;
    PKTHREAD Idle = &Prcb->Idle.Tcb;
    ULONG Priority;

    RdMap(Pcr, sizeof(*Pcr), RD_SHADOW_VALID);
    Pcr->Pcr.Self = &Pcr->Pcr;
    Pcr->Pcr.CurrentPrcb = Prcb;
    Pcr->Pcr.LockArray = Prcb->LockQueue;
    Pcr->Pcr.Used_Self = &Pcr->Pcr;
    Pcr->Pcr.MajorVersion = PCR_MAJOR_VERSION;
    Pcr->Pcr.MinorVersion = PCR_MINOR_VERSION;
    Prcb->MxCsr = 0x1F80;
    Prcb->Number = (USHORT)Number;
    for (Priority = 0; Priority < 32; Priority++)
    {
        InitializeListHead(&Prcb->ReadyListHead[Priority]);
    }
    InitializeListHead(&Prcb->DpcListHead);
    InitializeListHead(&Prcb->ReaperListHead);

    KiInitializeThread(Idle, Number, NULL, "idle");
    Idle->Priority = 0;
    Idle->BasePriority = 0;
    Idle->SystemThread = TRUE;
    Idle->Prcb = Prcb;
    Idle->Rd.cpu = Number;
    Idle->Rd.flags = RD_THREAD_SYSTEM;
    Idle->Rd.state = RD_THREAD_RUNNING;
    InitializeListHead(&Prcb->Idle.IrpList);
    RdMap(Idle->StackLimit, RD_STACK_SIZE, RD_SHADOW_STACK);
    Prcb->IdleThread = Idle;
    Prcb->CurrentThread = Idle;
    /* The machine takes a starting processor's stack from here. */
    Pcr->Pcr.NtTib.StackBase = Idle->InitialStack;
    RdNewThread(&Idle->Rd);
}

/* Idle threads are system threads of the System process, once objects and processes exist. */
static VOID KiAdoptIdleThreads(VOID)
{
    ULONG Number;

    for (Number = 0; Number < RdLoaderBlock->max_cpus; Number++)
    {
        PKPRCB Prcb = &KiPcrOf(Number)->Prcb;
        ObpInitializeStaticHeader((POBJECT_HEADER)Prcb->IdleObjectHeader, ObpThreadType);
        Prcb->Idle.ThreadsProcess = PsInitialSystemProcess;
        Prcb->Idle.Tcb.Process = &PsInitialSystemProcess->Pcb;
        Prcb->Idle.Tcb.ApcState.Process = &PsInitialSystemProcess->Pcb;
    }
}

/* The boot thread. */
static VOID NTAPI Phase1Initialization(PVOID Context)
{
    KEVENT Never;

    RD_KASSERT(ExInitSystem());
    RD_KASSERT(MmInitSystem());
    IoInitSystem();
    RdRunSetup();
    RdCreateScenario();
    ExpSetFaultBudget(RdLoaderBlock->fault_budget);
    RdReady();
    RdStartScenario();
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);
}

DECLSPEC_NORETURN VOID KiInitializeKernel(struct rd_loader_block *LoaderBlock)
{
    ULONG Number;

    RD_KASSERT(LoaderBlock == RdLoaderBlock);
    RD_KASSERT(LoaderBlock->magic == RD_LOADER_MAGIC);
    RD_KASSERT(LoaderBlock->version == RD_ABI_VERSION);
    RD_KASSERT(LoaderBlock->max_cpus >= 2 && LoaderBlock->max_cpus <= RD_MAX_CPUS);
    for (Number = 0; Number < LoaderBlock->max_cpus; Number++)
    {
        KiInitializeProcessor(Number);
    }
    KiInitializeSharedData();
    RtlpInsertImage(&__ImageBase);
    __asm__ volatile("sti");
    __writecr8(PASSIVE_LEVEL);
    ExpInitializePool();
    ObInitSystem();
    RD_KASSERT(PsInitSystem());
    KiAdoptIdleThreads();
    PspCreateKernelThread("boot", Phase1Initialization, NULL, 8);
    KiIdleLoop();
    RdAssertFailed("the idle loop ended", __FILE__, __LINE__);
}

/* Processors other than 0, on their idle thread's stack. */
DECLSPEC_NORETURN VOID KiProcessorStartup(VOID)
{
    __asm__ volatile("sti");
    __writecr8(PASSIVE_LEVEL);
    KiIdleLoop();
    RdAssertFailed("the idle loop ended", __FILE__, __LINE__);
}
