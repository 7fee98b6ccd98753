/*
 * Exceptions that nobody handles: those of the processor and those that a routine raised, which the guest kernel has shown to every
 * handler; and, of a guest without handlers, the bare vector. An access violation of the processor is address.c's.
 */
#include "check/internal.h"

#define STATUS_ACCESS_VIOLATION 0xC0000005u
#define STATUS_STACK_BUFFER_OVERRUN 0xC0000409u

static const struct {
    uint8_t vector;
    uint32_t status;
    const char *text;
} exceptions[] = {
    {0, 0xC0000094, "divided by zero"},        {1, 0x80000004, "raised a single step trap"},
    {3, 0x80000003, "executed a breakpoint"},  {6, 0xC000001D, "executed an invalid instruction"},
    {13, 0xC0000005, "used a non-canonical address or a privileged operation"},
    {16, 0xC000008E, "raised a floating-point error"}, {17, 0x80000002, "accessed misaligned data"},
    {19, 0xC000008E, "raised a SIMD floating-point error"}, {0x2C, 0xC0000420, "failed an assertion"},
    {0x2D, 0x80000003, "asked the debugger for a service"},
};

static bool unhandled(const char *who, const struct trouble *t, struct violation *out)
{
    if (t->record.code == STATUS_ACCESS_VIOLATION && t->record.parameter_count == 2)
        return false;
    bugcheck_fill(out, t->code, t->arg[0], t->arg[1], t->arg[2], t->arg[3]);
    if (t->record.code == STATUS_STACK_BUFFER_OVERRUN) {
        violation_sentence(out, "fast-fail", "%s found a data structure damaged (fast fail code %llu)", who,
                           (unsigned long long)t->record.parameters[0]);
        return true;
    }
    for (unsigned i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (exceptions[i].status != t->record.code)
            continue;
        violation_sentence(out, "unhandled-exception", "%s %s", who, exceptions[i].text);
        return true;
    }
    violation_sentence(out, "unhandled-exception", "%s raised exception %08X, which nobody handles", who, t->record.code);
    return true;
}

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    const char *who = trouble_module(m, t->regs.rip);
    if (t->kind == TROUBLE_UNHANDLED)
        return unhandled(who, t, out);
    if (t->kind != TROUBLE_EXCEPTION)
        return false;
    if (t->vector == 0x29) {
        bugcheck_fill(out, 0x139, t->regs.gpr[REG_RCX], 0, 0, 0);
        violation_sentence(out, "fast-fail", "%s found a data structure damaged (fast fail code %llu)", who,
                           (unsigned long long)t->regs.gpr[REG_RCX]);
        return true;
    }
    for (unsigned i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (exceptions[i].vector != t->vector)
            continue;
        bugcheck_fill(out, 0x7E, exceptions[i].status, t->regs.rip, 0, 0);
        violation_sentence(out, "unhandled-exception", "%s %s", who, exceptions[i].text);
        return true;
    }
    bugcheck_fill(out, 0x7F, t->vector, 0, t->regs.rip, 0);
    violation_sentence(out, "unhandled-exception", "%s raised trap %u", who, t->vector);
    return true;
}

const struct monitor monitor_exception = {"exception", "a processor exception that nobody handled (unhandled-exception, fast-fail)",
                                          "Bug Check 0x7E: SYSTEM_THREAD_EXCEPTION_NOT_HANDLED", judge, "0x7E 0x7F 0x139", NULL};
