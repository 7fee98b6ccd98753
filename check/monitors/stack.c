/* Stacks: running off the end of one, and touching what lies below the stack pointer. */
#include "abi/shadow.h"
#include "machine/arena.h"
#include "check/internal.h"

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    if ((t->kind != TROUBLE_ACCESS && t->kind != TROUBLE_FAULT) ||
        t->address - RD_STACK_BASE >= RD_MAX_STACKS * RD_STACK_STRIDE)
        return false;
    uint8_t shadow = *arena_shadow(t->address);
    if (shadow == RD_SHADOW_STACK || shadow == RD_SHADOW_FRAME) {
        bugcheck_fill(out, 0xDC, t->address, t->regs.gpr[REG_RSP], t->regs.rip, 0);
        violation_sentence(out, "stack-below-pointer", "%s %s below its stack pointer: the frame that was there has returned",
                           trouble_module(m, t->regs.rip), t->write ? "wrote" : "read");
        return true;
    }
    if (t->address < t->regs.gpr[REG_RSP] + RD_STACK_GUARD && t->address + RD_STACK_STRIDE > t->regs.gpr[REG_RSP]) {
        bugcheck_fill(out, 0x7F, 8, t->address, t->regs.rip, 0);
        violation_sentence(out, "kernel-stack-overflow", "the kernel stack of %llu KiB is exhausted", RD_STACK_SIZE / 1024);
        return true;
    }
    bugcheck_for_fault(m, t, t->address, t->write, out);
    violation_sentence(out, "invalid-address", "%s %s the guard area of a thread's stack at %#llx",
                       trouble_module(m, t->regs.rip), t->write ? "wrote" : "read", (unsigned long long)t->address);
    return true;
}

const struct monitor monitor_stack = {"stack", "a stack overflowed, or memory below the stack pointer was touched (kernel-stack-overflow, stack-below-pointer)",
                                      "Bug Check 0xDC: DRIVER_INVALID_STACK_ACCESS", judge, "0xDC 0x7F 0x50", NULL};
