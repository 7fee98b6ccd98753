/*
 * Interlocked additions whose outcome nobody looks at: the order of two such is not observable. What comes behind one is known
 * when it is about to be executed: the return addresses on the stack and the pointers that imports are called through say where
 * code goes on. So the scan follows calls and returns, and gives up (the outcome counts as looked at) wherever it is not
 * certain: after so many instructions, before an indirect branch, when the stack pointer is lost, in another driver.
 *
 * The answer decides a step's footprint, so it may depend only on what no other agent changes: code of the driver
 * itself, whose lifetime the step depends on anyway, and of the kernel; pointers that are not shared.
 */
#include "machine/dbt/internal.h"

#include <Zydis/Zydis.h>

#include "abi/shadow.h"

#define SCAN_INSNS 48
#define SCAN_BRANCHES 3

struct scan {
    struct dbt *d;
    uint32_t image;
    gva_t rsp; /* below it the stack holds nothing yet */
};

/* A pointer that nobody else changes. Which granules are shared is part of what a replay knows; who owns the others is not. */
static bool stable(gva_t a, gva_t *value)
{
    if ((a & 7) != 0 || !arena_contains(a, 8) || *arena_share(a) == SHARE_SHARED)
        return false;
    *value = *(const loose64 *)arena_host(a);
    return true;
}

/* Nothing from pc on reads `outcome`, registers and flags, before it is overwritten. */
static bool dead_at(const struct scan *s, gva_t pc, uint32_t outcome, gva_t rsp, int insns, int branches)
{
    struct code_range range = {0, 0, CODE_NONE, 0, false};
    for (; insns > 0; insns--) {
        int32_t delta;
        if (pc < range.start || pc >= range.end)
            range = s->d->callbacks.code(s->d->context, pc);
        if (range.class == CODE_NONE || (range.image != s->image && range.image != 0))
            return false;
        const struct insn *found = decode(pc, range.end);
        if (found == NULL || (found->use & outcome))
            return false;
        struct insn x = *found;
        outcome &= ~x.kill;
        if (outcome == 0)
            return true;
        if (x.op == OP_STOP || x.op == OP_EMULATE)
            return false;
        bool known = stack_delta(&x, &delta);
        switch (x.op) {
        case OP_CALL:
        case OP_JMP:
            pc = x.target;
            break;
        case OP_JCC:
        case OP_COUNT_BRANCH:
            if (branches == 0 || !dead_at(s, x.target, outcome, rsp, insns - 1, branches - 1))
                return false;
            pc += x.length;
            break;
        case OP_CALL_MEM:
        case OP_JMP_MEM:
            if (!x.m.fixed || !stable((gva_t)x.m.disp, &pc))
                return false;
            break;
        case OP_RET:
            if (rsp < s->rsp || x.bytes[x.prefixes] != 0xC3 || !stable(rsp, &pc))
                return false;
            delta = 8;
            break;
        case OP_JMP_REG:
        case OP_CALL_REG:
            return false;
        default:
            pc += x.length;
            break;
        }
        rsp = known && rsp != 0 ? rsp + (uint64_t)(int64_t)delta : 0;
    }
    return false;
}

bool dbt_adds(struct dbt *d, const struct vcpu *cpu)
{
    gva_t pc = cpu->regs.rip;
    struct code_range range = d->callbacks.code(d->context, pc);
    if (range.class == CODE_NONE || !arena_contains(pc, 2))
        return false;
    const struct insn *x = decode(pc, range.end);
    if (x == NULL || !x->fence || !x->has_mem || (x->size != 4 && x->size != 8) || x->op != OP_COPY)
        return false;
    switch (x->mnemonic) {
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
    case ZYDIS_MNEMONIC_XADD:
        break;
    default:
        return false;
    }
    if (mem_address(&x->m, cpu->regs.gpr) % x->size != 0)
        return false;
    struct scan s = {.d = d, .image = range.image, .rsp = cpu->regs.gpr[REG_RSP]};
    return dead_at(&s, pc + x->length, (x->kill & MASK_GPRS) | MASK_FLAGS, s.rsp, SCAN_INSNS, SCAN_BRANCHES);
}
