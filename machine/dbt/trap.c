/*
 * Signals. Guest code runs with a guest rsp, so handlers need an alternate stack, and every other
 * handler that the process installs must be SA_ONSTACK too: the kernel cannot push a frame on a
 * guest stack. A trap that the translator does not recognise goes to whoever handled that signal
 * before, with one line that says it was the host's own.
 */
#include "machine/dbt/trap.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                              REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                              REG_R12, REG_R13, REG_R14, REG_R15};
static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
#define SIGNALS (sizeof signals / sizeof *signals)
static struct sigaction before[SIGNALS];
static stack_t stack_before;
static void *stack_memory;

static enum trap_kind kind_of(int number, const siginfo_t *info)
{
    switch (number) {
    case SIGSEGV:
        return info->si_code == SI_KERNEL ? TRAP_PROTECTION : TRAP_MEMORY;
    case SIGBUS:
        return info->si_code == SI_KERNEL ? TRAP_PROTECTION : TRAP_BUS;
    case SIGFPE:
        return info->si_code == FPE_INTDIV || info->si_code == FPE_INTOVF ? TRAP_DIVIDE : TRAP_SIMD;
    case SIGILL:
        return TRAP_UNDEFINED;
    default:
        return TRAP_OTHER;
    }
}

static void pass_on(int number)
{
    static const char text[] =
        "rundown: a processor exception in the tool itself (internal error)\n";
    ssize_t n = write(2, text, sizeof text - 1);
    (void)n;
    for (unsigned k = 0; k < SIGNALS; k++)
        if (signals[k] == number)
            sigaction(number, &before[k], NULL); /* the instruction runs again and traps there */
}

static void handler(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    struct trap t = {.kind = kind_of(number, info), .address = (uint64_t)info->si_addr};
    for (int r = 0; r < 16; r++)
        t.gpr[r] = (uint64_t)u->uc_mcontext.gregs[order[r]];
    t.rip = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
    t.flags = (uint64_t)u->uc_mcontext.gregs[REG_EFL];
    t.write = u->uc_mcontext.gregs[REG_ERR] & 2;
    if (!trap_handle(&t)) {
        pass_on(number);
        return;
    }
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)t.rip;
    u->uc_mcontext.gregs[REG_RSP] = (greg_t)t.gpr[4];
    u->uc_mcontext.gregs[REG_EFL] &= ~0x400ll; /* a string helper may have been going downwards */
}

bool trap_install(void)
{
    size_t size = 256 * 1024;
    stack_memory = malloc(size);
    stack_t s = {.ss_sp = stack_memory, .ss_size = size};
    if (!stack_memory || sigaltstack(&s, &stack_before))
        return false;
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&a.sa_mask);
    for (unsigned k = 0; k < SIGNALS; k++)
        if (sigaction(signals[k], &a, &before[k]))
            return false;
    return true;
}

void trap_remove(void)
{
    for (unsigned k = 0; k < SIGNALS; k++)
        sigaction(signals[k], &before[k], NULL);
    sigaltstack(&stack_before, NULL);
    free(stack_memory);
    stack_memory = NULL;
}
