/*
 * Which arithmetic flags the guest may still read. A check that runs where flags are dead needs no
 * saving of them, and almost all do (148 of 154 sites in the measured drivers), so looking ahead
 * over successors pays for itself. Registers are not looked ahead for: exits promise exact
 * registers, so a register that is merely dead still has to be kept somewhere.
 *
 * Whatever is not known counts as live: beyond a RET or an indirect call or jump too, although
 * compiled code never passes flags there. Assembly does, and an interrupt's frame or a PUSHF shows
 * them.
 */
#include "machine/dbt/internal.h"

#define SCAN_INSNS 16
#define SCAN_DEPTH 3

static uint32_t live_at(const struct code_range *range, gva_t pc, int depth);

static uint32_t live_out(const struct code_range *range, uint8_t op, gva_t next, gva_t target,
                         int depth)
{
    switch (op) {
    case OP_JMP:
    case OP_CALL:
        return live_at(range, target, depth - 1);
    case OP_JCC:
    case OP_COUNT_BRANCH:
        return live_at(range, target, depth - 1) | live_at(range, next, depth - 1);
    default:
        return MASK_FLAGS;
    }
}

static uint32_t live_at(const struct code_range *range, gva_t pc, int depth)
{
    if (depth <= 0)
        return MASK_FLAGS;
    uint32_t live = 0, killed = 0;
    for (int n = 0; n < SCAN_INSNS; n++) {
        if (pc < range->start || pc >= range->end)
            break;
        const struct insn *s = decode(pc, range->end);
        if (!s)
            break;
        live |= s->use & ~killed;
        killed |= s->kill;
        if (OP_ENDS_BLOCK(s->op))
            return (live | (live_out(range, s->op, pc + s->length, s->target, depth) & ~killed)) &
                   MASK_FLAGS;
        if ((killed & MASK_FLAGS) == MASK_FLAGS)
            return live & MASK_FLAGS;
        pc += s->length;
    }
    return (live | ~killed) & MASK_FLAGS;
}

uint32_t liveness_at(const struct code_range *range, gva_t pc)
{
    return live_at(range, pc, SCAN_DEPTH);
}

uint32_t liveness_after(const struct code_range *range, const struct insn *x)
{
    if (!OP_ENDS_BLOCK(x->op))
        return liveness_at(range, x->pc + x->length);
    return live_out(range, x->op, x->pc + x->length, x->target, SCAN_DEPTH);
}
