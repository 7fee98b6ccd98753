/*
 * A kernel of a hundred lines for the machine's own tests: it starts two processors and lets each run one
 * routine of a driver. Which pair is said by the loader block (its os field), as is done by no real kernel.
 */
#include "abi/address.h"
#include "abi/guest.h"
#include "abi/hypercall.h"
#include "abi/shadow.h"

static uint64_t Call(uint64_t Number, uint64_t A, uint64_t B, uint64_t C)
{
    register uint64_t R8 __asm__("r8") = C;
    __asm__ volatile("vmcall" : "+a"(Number) : "c"(A), "d"(B), "r"(R8) : "memory", "r9");
    return Number;
}

static unsigned Test;
static void (*Routine)(unsigned Test, unsigned Cpu);
static volatile uint64_t KernelShared;
static volatile uint64_t Spin;
static volatile uint64_t ClockTicks;
static volatile uint64_t Interrupts[4];
static struct rd_image_request Request;
static char FullName[128];
static volatile uint64_t Commuting;

__attribute__((section(".nolog"), noinline)) static void Reference(void)
{
    __atomic_fetch_add(&Commuting, 1, __ATOMIC_SEQ_CST);
    Call(RD_HC_TOUCH, (uint64_t)&Commuting, 8, 0);
}

/* What the driver imports. */
__declspec(dllexport) void Touch(void)
{
    KernelShared++;
}
__declspec(dllexport) void Nothing(void)
{
}
__declspec(dllexport) void Commute(void)
{
    Reference();
}
__declspec(dllexport) void Lock(void)
{
    while (__atomic_exchange_n(&Spin, 1, __ATOMIC_SEQ_CST))
        Call(RD_HC_SPIN, (uint64_t)&Spin, 8, 0);
}
__declspec(dllexport) void Unlock(void)
{
    Spin = 0;
}
__declspec(dllexport) void Unload(void)
{
    Call(RD_HC_UNLOAD_IMAGE, Request.base, 0, 0);
}
__declspec(dllexport) void Arm(uint64_t Due)
{
    Call(RD_HC_TIMER, Due, 0, 0);
}
__declspec(dllexport) void Interrupt(unsigned Cpu)
{
    Call(RD_HC_IPI, Cpu, 1, 0);
}
__declspec(dllexport) unsigned Choose(unsigned N)
{
    return (unsigned)Call(RD_HC_CHOOSE, RD_CHOICE_PEND, N, 0);
}
__declspec(dllexport) uint64_t SeenInterrupts(unsigned Cpu)
{
    return Interrupts[Cpu];
}

/* Two notes for a bugcheck; with Forget they are given in a step that goes on. */
__declspec(dllexport) void Note(unsigned Forget)
{
    static uint64_t Frames[3], Parameters[4] = {1, 2, 3, 4};
    register uint64_t R9 __asm__("r9") = 0xFFFFFA8000000040ull;
    register uint64_t R8 __asm__("r8") = RD_NOTE_LOG | 3ull << 32;
    uint64_t Number = RD_HC_NOTE;
    for (unsigned i = 0; i < 3; i++)
        Frames[i] = 0xFFFFF80000A00000ull + i;
    __asm__ volatile("vmcall" : "+a"(Number) : "c"("an entry of a log"), "d"(Frames), "r"(R8), "r"(R9) : "memory");
    if (Forget) {
        Call(RD_HC_SCHEDULE, 0, 0, 0);
        Call(RD_HC_BUGCHECK, 0x20, (uint64_t)Parameters, 0);
    }
    Call(RD_HC_NOTE, (uint64_t)"a line \x01 of text", 0, RD_NOTE_LINE);
    Call(RD_HC_BUGCHECK, 0x20, (uint64_t)Parameters, 0);
}

static void Halt(void)
{
    for (;;)
        __asm__ volatile("hlt");
}

void InterruptC(struct rd_interrupt_frame *Frame, unsigned Cpu)
{
    if (Frame->vector == 13)
        ClockTicks++;
    Interrupts[Cpu]++;
}

__asm__(".globl InterruptEntry\n"
        "InterruptEntry:\n"
        " push %rax; push %rcx; push %rdx; push %r8; push %r9; push %r10; push %r11\n"
        " lea 56(%rsp), %rcx; mov %gs:0x184, %edx; sub $32, %rsp; call InterruptC; add $32, %rsp\n"
        " mov 64(%rsp), %rax; mov %rax, %cr8\n"
        " pop %r11; pop %r10; pop %r9; pop %r8; pop %rdx; pop %rcx; pop %rax\n"
        " add $16, %rsp; iretq\n");
extern void InterruptEntry(void);

/* Exceptions: what the frame said, then on behind the instruction, which is two bytes long. */
static volatile uint64_t Fault[3];
__declspec(dllexport) uint64_t SeenFault(unsigned Index)
{
    return Fault[Index];
}

void FaultC(struct rd_exception_frame *Frame, unsigned Vector)
{
    Fault[0] = Vector;
    Fault[1] = Frame->address;
    Fault[2] = Frame->error;
    Frame->rip += 2;
}

__asm__(".globl DivideEntry\n"
        "DivideEntry:\n"
        " push %rax; xor %eax, %eax; jmp FaultCommon\n"
        ".globl PageEntry\n"
        "PageEntry:\n"
        " push %rax; mov $14, %eax\n"
        "FaultCommon:\n"
        " push %rcx; push %rdx; push %r8; push %r9; push %r10; push %r11\n"
        " lea 56(%rsp), %rcx; mov %eax, %edx; sub $32, %rsp; call FaultC; add $32, %rsp\n"
        " pop %r11; pop %r10; pop %r9; pop %r8; pop %rdx; pop %rcx; pop %rax\n"
        " add $16, %rsp; iretq\n");
extern void DivideEntry(void);
extern void PageEntry(void);
static uint64_t Faults[RD_FAULT_VECTORS];

static void Secondary(unsigned Cpu)
{
    __asm__ volatile("mov %0, %%cr8; sti" ::"r"(0ull));
    Routine(Test, Cpu);
    Halt();
}

__declspec(dllexport) struct rd_entry_points RdEntryPoints;

static void Copy(char *To, const char *From)
{
    while ((*To++ = *From++))
        ;
}

void Start(struct rd_loader_block *Block)
{
    static char Name[16];
    Test = Block->os;
    RdEntryPoints.start_cpu = (uint64_t)Secondary;
    RdEntryPoints.interrupt = (uint64_t)InterruptEntry;
    RdEntryPoints.fault = (uint64_t)Faults;
    Faults[0] = (uint64_t)DivideEntry;
    Faults[14] = (uint64_t)PageEntry;
    for (unsigned Cpu = 0; Cpu < 3; Cpu++) {
        uint64_t Pcr = RD_PCR_BASE + Cpu * RD_PCR_STRIDE;
        uint64_t Stack = RD_STACK_BASE + Cpu * RD_STACK_STRIDE + RD_STACK_GUARD;
        Call(RD_HC_MAP, Stack, RD_STACK_SIZE, RD_SHADOW_STACK);
        *(uint64_t *)(Pcr + 8) = Stack + RD_STACK_SIZE - 0x28;
        *(uint32_t *)(Pcr + RD_PCR_NUMBER) = Cpu;
    }
    Copy(Name, "driver");
    Request.name = (uint64_t)Name;
    Request.full_name = (uint64_t)FullName;
    Call(RD_HC_LOAD_IMAGE, (uint64_t)&Request, 0, 0);
    Routine = (void (*)(unsigned, unsigned))Request.entry;
    Call(RD_HC_IPI, 1, 2, 0);
    Call(RD_HC_IPI, 2, 2, 0);
    __asm__ volatile("mov %0, %%cr8; sti" ::"r"(0ull));
    Call(RD_HC_READY, 0, 0, 0);
    Halt();
}
