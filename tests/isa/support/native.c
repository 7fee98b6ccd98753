/*
 * Native execution of test code, in this process. All registers belong to the test code, the stack
 * pointer included, so entering and leaving goes through two pieces of assembly that keep the
 * host's state in static memory. The code leaves by jumping to the window's exit page, or by a
 * fault: the signal handler (on its own stack) changes the interrupted context to continue at the
 * leaving code, which then finds the registers just as the fault left them.
 */
/* With _GNU_SOURCE <signal.h> declares names for saved registers that are machine/vcpu.h's names
 * for others. */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE

#include "tests/isa/support/native.h"

#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/error.h"

/* Shared with the assembly below. */
struct vcpu_regs isa_native_regs;
uint64_t isa_native_host_rsp;
uint32_t isa_native_host_mxcsr;
uint32_t isa_native_avx;

#define SAVED_RIP 16 /* index into uc_mcontext.gregs */

static volatile sig_atomic_t running;
static int fault_signal;
static uint64_t fault_rip;
static struct sigaction previous[65];

extern void isa_native_enter(void);
extern void isa_native_leave(void);

_Static_assert(offsetof(struct vcpu_regs, rip) == 128, "assembly below");
_Static_assert(offsetof(struct vcpu_regs, rflags) == 136, "assembly below");
_Static_assert(offsetof(struct vcpu_regs, ymm) == 144, "assembly below");
_Static_assert(offsetof(struct vcpu_regs, mxcsr) == 656, "assembly below");

#define EACH_GPR(F)                                                                                \
    F("rax", 0)                                                                                    \
    F("rcx", 8)                                                                                    \
    F("rdx", 16)                                                                                   \
    F("rbx", 24)                                                                                   \
    F("rbp", 40)                                                                                   \
    F("rsi", 48)                                                                                   \
    F("rdi", 56)                                                                                   \
    F("r8", 64)                                                                                    \
    F("r9", 72) F("r10", 80) F("r11", 88) F("r12", 96) F("r13", 104) F("r14", 112) F("r15", 120)
#define LOAD_GPR(name, at) "mov isa_native_regs+" #at "(%rip), %" name "\n"
#define STORE_GPR(name, at) "mov %" name ", isa_native_regs+" #at "(%rip)\n"
#define EACH_VECTOR(F)                                                                             \
    F(0, 144)                                                                                      \
    F(1, 176)                                                                                      \
    F(2, 208)                                                                                      \
    F(3, 240)                                                                                      \
    F(4, 272)                                                                                      \
    F(5, 304)                                                                                      \
    F(6, 336)                                                                                      \
    F(7, 368) F(8, 400) F(9, 432) F(10, 464) F(11, 496) F(12, 528) F(13, 560) F(14, 592) F(15, 624)
#define LOAD_YMM(n, at) "vmovdqu isa_native_regs+" #at "(%rip), %ymm" #n "\n"
#define STORE_YMM(n, at) "vmovdqu %ymm" #n ", isa_native_regs+" #at "(%rip)\n"
#define LOAD_XMM(n, at) "movdqu isa_native_regs+" #at "(%rip), %xmm" #n "\n"
#define STORE_XMM(n, at) "movdqu %xmm" #n ", isa_native_regs+" #at "(%rip)\n"

__asm__(
    ".text\n"
    ".globl isa_native_enter\n.hidden isa_native_enter\n"
    "isa_native_enter:\n"
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "mov %rsp, isa_native_host_rsp(%rip)\n"
    "stmxcsr isa_native_host_mxcsr(%rip)\n"
    "cmpl $0, isa_native_avx(%rip)\n"
    "je 1f\n" EACH_VECTOR(
        LOAD_YMM) "jmp 2f\n"
                  "1:\n" EACH_VECTOR(
                      LOAD_XMM) "2: ldmxcsr isa_native_regs+656(%rip)\n"
                                "pushq isa_native_regs+136(%rip)\n popfq\n" EACH_GPR(
                                    LOAD_GPR) "mov isa_native_regs+32(%rip), %rsp\n"
                                              "jmp *isa_native_regs+128(%rip)\n"
                                              ".globl isa_native_leave\n.hidden isa_native_leave\n"
                                              "isa_native_leave:\n" EACH_GPR(
                                                  STORE_GPR) "mov %rsp, isa_native_regs+32(%rip)\n"
                                                             "mov isa_native_host_rsp(%rip), %rsp\n"
                                                             "pushfq\n popq "
                                                             "isa_native_regs+136(%rip)\n"
                                                             "cld\n"
                                                             "stmxcsr isa_native_regs+656(%rip)\n"
                                                             "cmpl $0, isa_native_avx(%rip)\n"
                                                             "je 1f\n" EACH_VECTOR(
                                                                 STORE_YMM) "vzeroupper\n jmp 2f\n"
                                                                            "1:\n" EACH_VECTOR(
                                                                                STORE_XMM) "2: "
                                                                                           "ldmxcsr"
                                                                                           " isa_"
                                                                                           "native_"
                                                                                           "host_"
                                                                                           "mxcsr(%"
                                                                                           "rip)\n"
                                                                                           "pop "
                                                                                           "%r15\n "
                                                                                           "pop "
                                                                                           "%r14\n "
                                                                                           "pop "
                                                                                           "%r13\n "
                                                                                           "pop "
                                                                                           "%r12\n "
                                                                                           "pop "
                                                                                           "%rbp\n "
                                                                                           "pop "
                                                                                           "%rbx\n"
                                                                                           "ret\n");

static void on_signal(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    if (!running) {
        const struct sigaction *old = &previous[number];
        if (old->sa_flags & SA_SIGINFO) {
            old->sa_sigaction(number, info, context);
        } else {
            signal(number, SIG_DFL);
            raise(number);
        }
        return;
    }
    running = 0;
    fault_signal = number;
    fault_rip = (uint64_t)u->uc_mcontext.gregs[SAVED_RIP];
    u->uc_mcontext.gregs[SAVED_RIP] = (greg_t)(uintptr_t)isa_native_leave;
}

void native_open(void)
{
    uint8_t *base = mmap((void *)WINDOW_NATIVE, WINDOW_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    RD_ASSERT(base == (uint8_t *)WINDOW_NATIVE);
    /* The exit page: jmp *0(%rip) followed by the address. */
    static const uint8_t jump[6] = {0xFF, 0x25, 0, 0, 0, 0};
    uint64_t target = (uint64_t)(uintptr_t)isa_native_leave;
    for (unsigned at = 0; at + 16 <= EXIT_SIZE; at += 16) {
        memcpy(base + EXIT_OFFSET + at, jump, sizeof jump);
        memcpy(base + EXIT_OFFSET + at + sizeof jump, &target, sizeof target);
    }
    isa_native_avx = __builtin_cpu_supports("avx") != 0;

    /* Test code's stack pointer points anywhere: signals need their own stack. */
    stack_t have;
    if (sigaltstack(NULL, &have) == 0 && (have.ss_flags & SS_DISABLE)) {
        stack_t s = {.ss_size = 1 << 16};
        s.ss_sp = malloc(s.ss_size);
        RD_ASSERT(s.ss_sp && sigaltstack(&s, NULL) == 0);
    }
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        RD_ASSERT(sigaction(numbers[i], &action, &previous[numbers[i]]) == 0);
    }
}

#define ARCH_SET_GS 0x1001
#define ARCH_GET_GS 0x1004

/* The instructions, where the kernel has enabled them: a system call a run would dominate. */
static bool has_fsgsbase(void)
{
    return getauxval(AT_HWCAP2) & 2;
}

static uint64_t gs_exchange(uint64_t value)
{
    uint64_t old = 0;
    if (has_fsgsbase()) {
        __asm__ volatile("rdgsbase %0\n wrgsbase %1" : "=&r"(old) : "r"(value));
    } else {
        RD_ASSERT(syscall(SYS_arch_prctl, ARCH_GET_GS, &old) == 0);
        RD_ASSERT(syscall(SYS_arch_prctl, ARCH_SET_GS, value) == 0);
    }
    return old;
}

void native_run(const struct trial *t, struct outcome *out)
{
    uint8_t *base = (uint8_t *)WINDOW_NATIVE;
    memcpy(base + CODE_OFFSET + t->place, t->code, t->code_size);
    memcpy(base + MEMORY_OFFSET, t->memory, MEMORY_SIZE);
    isa_native_regs = t->regs;
    isa_native_regs.rip = WINDOW_NATIVE + CODE_OFFSET + t->place;
    isa_native_regs.rflags |= 0x202;
    fault_signal = 0;
    uint8_t *second_page = base + DATA_OFFSET + RD_PAGE;
    if (t->protection != DATA_WRITABLE)
        mprotect(second_page, RD_PAGE, t->protection == DATA_READ_ONLY ? PROT_READ : PROT_NONE);
    uint64_t gs = gs_exchange(WINDOW_NATIVE + PCR_OFFSET);
    running = 1;
    isa_native_enter();
    running = 0;
    gs_exchange(gs);
    if (t->protection != DATA_WRITABLE)
        mprotect(second_page, RD_PAGE, PROT_READ | PROT_WRITE);

    memset(out->text, 0, sizeof out->text);
    out->regs = isa_native_regs;
    out->regs.rip = WINDOW_NATIVE + EXIT_OFFSET;
    memcpy(out->memory, base + MEMORY_OFFSET, MEMORY_SIZE);
    out->kind = OUTCOME_EXIT;
    if (fault_signal) {
        out->regs.rip = fault_rip;
        out->kind = fault_signal == SIGFPE    ? OUTCOME_DIVIDE
                    : fault_signal == SIGILL  ? OUTCOME_UNDEFINED
                    : fault_signal == SIGTRAP ? OUTCOME_TRAP
                                              : OUTCOME_ACCESS;
    }
}

static bool read_feature(const char *feature)
{
    unsigned a, b, c, d, b7 = 0, c7 = 0, d7 = 0, a1, b1, c1 = 0, d1;
    __cpuid(1, a, b, c, d);
    __cpuid_count(7, 0, a, b7, c7, d7);
    __cpuid(0x80000001u, a1, b1, c1, d1);
    bool avx = __builtin_cpu_supports("avx") != 0;
    static const char *const names[] = {"",      "ssse3",  "sse41", "sse42", "popcnt", "movbe",
                                        "aes",   "pclmul", "avx",   "avx2",  "bmi",    "bmi2",
                                        "lzcnt", "adx",    "fma",   "f16c",  "sse4a",  "sha"};
    const bool has[] = {
        true,        c >> 9 & 1,           c >> 19 & 1,          c >> 20 & 1,
        c >> 23 & 1, c >> 22 & 1,          c >> 25 & 1,          c >> 1 & 1,
        avx,         avx && (b7 >> 5 & 1), b7 >> 3 & 1,          b7 >> 8 & 1,
        c1 >> 5 & 1, b7 >> 19 & 1,         avx && (c >> 12 & 1), avx && (c >> 29 & 1),
        c1 >> 6 & 1, b7 >> 29 & 1};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], feature) == 0)
            return has[i];
    fprintf(stderr, "no such processor feature: %s\n", feature);
    abort();
}

/* Asked for every form; CPUID leaves a virtual machine, which takes as long as many trials. */
bool native_has(const char *feature)
{
    static struct {
        const char *feature;
        bool has;
    } known[32];
    unsigned i = 0;
    for (; i < 32 && known[i].feature; i++)
        if (strcmp(known[i].feature, feature) == 0)
            return known[i].has;
    RD_ASSERT(i < 32);
    known[i].feature = feature;
    known[i].has = read_feature(feature);
    return known[i].has;
}
