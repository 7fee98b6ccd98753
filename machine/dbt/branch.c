/*
 * How control enters and leaves a block.
 *
 * A direct branch jumps to a stub that exits, until the target is translated; then its displacement
 * is patched (only within one linkable unit). An indirect branch looks its target up in the table
 * of its own unit: {negated guest address, host entry} by the low 16 bits of the address, so
 * another image's or class's address can never hit and always exits. The target travels in rcx,
 * with r10 as index and r11 for the table's word; all three are given back at the target's indirect
 * entry. LEA and JRCXZ compare without touching flags, which hand-written code does pass through
 * calls and returns.
 *
 * With budgets, a block subtracts its size on entry. The branch is taken when this block uses the
 * budget up; the out-of-line code tells "before this block" (leave) from "in it" (go on).
 */
#include "machine/dbt/emit.h"

/* Continues at a guest address known when translating; cc -1 is unconditional. */
static void emit_exit_to(struct translation *t, int cc, gva_t target, uint32_t live)
{
    enum site_kind kind = t->variant >= VARIANT_ONE ? SITE_ONE : SITE_LINK;
    uint32_t site = site_new(t, kind, live & MASK_FLAGS ? FLAGS_HOST : FLAGS_DEAD);
    t->d->sites.data[site].live_flags = rflags_of(live);
    t->d->sites.data[site].target = target;
    uint8_t *rel32 = emit_branch(t, cc);
    cold_begin(t);
    t->d->sites.data[site].resume = rel32;
    t->d->sites.data[site].stub = t->p;
    patch_branch(rel32, t->p);
    emit_leave(t, site, CTX_AT(exit_stub));
    cold_end(t);
}

void emit_fall_through(struct translation *t, gva_t target)
{
    if (t->live_out & MASK_FLAGS)
        flags_restore(t);
    emit_exit_to(t, -1, target, t->live_out);
}

void emit_prologue(struct translation *t, struct block *b)
{
    b->indirect_entry = t->p;
    emit_load(t, REG_R11, AT_CTX(indirect[0]));
    emit_load(t, REG_R10, AT_CTX(indirect[1]));
    emit_load(t, REG_RCX, AT_CTX(indirect_rcx));
    b->entry = t->p;
    RD_ASSERT(b->entry - b->indirect_entry == INDIRECT_ENTRY_BYTES);
    t->at = 0;
    if (!(t->features & DBT_BUDGETS))
        return;
    flags_free(t);
    uint32_t site = site_new(t, SITE_BUDGET, flags_now(t));
    emit_op(t, 8, 0x83, 5, AT_CTX(left)); /* sub */
    emit8(t, instructions_from(t, 0));
    uint8_t *out = emit_branch(t, CC_LE);
    uint8_t *back = t->p;
    cold_begin(t);
    patch_branch(out, t->p);
    emit_op(t, 8, 0x83, 7, AT_CTX(left)); /* cmp */
    emit8(t, (0u - instructions_from(t, 0)) & 0xFF);
    uint8_t *leave = emit_branch(t, CC_LE);
    emit_jump_to(t, -1, back);
    patch_branch(leave, t->p);
    emit_leave(t, site, CTX_AT(exit_stub));
    cold_end(t);
}

void emit_helper_call(struct translation *t, struct insn *x)
{
    uint32_t site = site_new(t, SITE_EMULATE, flags_now(t));
    (void)x;
    emit_leave(t, site, CTX_AT(helper_stub));
    t->d->sites.data[site].resume = t->p;
}

/* The guest target is in rcx; guest rcx, r11 and r10 are in the context. */
static void emit_lookup(struct translation *t)
{
    uint32_t site = site_new(t, SITE_INDIRECT, flags_now(t));
    if (t->variant >= VARIANT_ONE) {
        emit_constant(t, REG_R11, 0);
        emit_leave(t, site, CTX_AT(exit_stub));
        return;
    }
    uint32_t table = TABLE_BASE + t->unit * TABLE_SIZE;
    emit_op_reg(t, 4, 0x0FB7, REG_R10, REG_RCX);
    emit_op(t, 4, 0x8D, REG_R10, (struct host_mem){REG_R10, REG_R10, 1, 0, false});
    emit_load(t, REG_R11, (struct host_mem){NO_REG, REG_R10, 8, (int32_t)table, false});
    emit_lea(t, REG_RCX, (struct host_mem){REG_RCX, REG_R11, 1, 0, false});
    emit8(t, 0xE3); /* jrcxz over the jump */
    emit8(t, 5);
    uint8_t *miss = emit_branch(t, -1);
    emit_op(t, 4, 0xFF, 4, (struct host_mem){NO_REG, REG_R10, 8, (int32_t)(table + 8), false});
    cold_begin(t);
    patch_branch(miss, t->p);
    emit_leave(t, site, CTX_AT(exit_stub));
    cold_end(t);
}

static void indirect_begin(struct translation *t)
{
    emit_store(t, AT_CTX(indirect[0]), REG_R11);
    emit_store(t, AT_CTX(indirect[1]), REG_R10);
    emit_store(t, AT_CTX(indirect_rcx), REG_RCX);
    t->in_indirect = true;
}

static void push_return_address(struct translation *t, gva_t next, int scratch)
{
    emit_constant(t, scratch, next);
    stack_fault_here(t, -8, true);
    emit_store(t, AT_GUEST(REG_RSP, -8), scratch);
}

/* One of the three registers of an indirect branch that the operand does not use. */
static int address_register(const struct insn *x)
{
    static const int free[3] = {REG_RCX, REG_R11, REG_R10};
    for (int k = 0; k < 3; k++)
        if (x->m.base != free[k] && x->m.index != free[k])
            return free[k];
    return REG_RCX;
}

void emit_terminator(struct translation *t, struct insn *x)
{
    gva_t next = x->pc + x->length;
    uint32_t live = x->live;
    check_access(t, x);
    check_stack(t, x);
    flags_settle(t, x);
    switch (x->op) {
    case OP_JMP:
        scratch_return(t);
        emit_exit_to(t, -1, x->target, live);
        break;
    case OP_JCC:
        scratch_return(t);
        emit_exit_to(t, x->cc, x->target, live);
        emit_exit_to(t, -1, next, live);
        break;
    case OP_COUNT_BRANCH: { /* LOOPNE LOOPE LOOP JRCXZ: rcx without flags */
        scratch_return(t);
        if (x->cc != 0xE3)
            emit_op(t, x->m.low ? 4 : 8, 0x8D, REG_RCX, AT_REG(REG_RCX, -1));
        if (x->m.low)
            emit8(t, 0x67); /* ecx */
        emit8(t, 0xE3);     /* jrcxz over the next jump */
        uint8_t *zero = t->p;
        emit8(t, 0);
        /* not zero */
        emit_exit_to(t,
                     x->cc == 0xE0   ? CC_NE
                     : x->cc == 0xE1 ? CC_E
                                     : -1,
                     x->cc == 0xE3 ? next : x->target, live);
        *zero = (uint8_t)(t->p - (zero + 1));
        emit_exit_to(t, -1, x->cc == 0xE3 ? x->target : next, live);
        break;
    }
    case OP_CALL:
        push_return_address(t, next, scratch_take(t, 0));
        scratch_return(t);
        emit_lea(t, REG_RSP, AT_REG(REG_RSP, -8));
        emit_exit_to(t, -1, x->target, live);
        break;
    case OP_RET:
        scratch_return(t);
        indirect_begin(t);
        stack_fault_here(t, 0, false);
        emit_load(t, REG_RCX, AT_GUEST(REG_RSP, 0));
        emit_lea(t, REG_RSP, AT_REG(REG_RSP, 8 + x->imm));
        emit_lookup(t);
        break;
    case OP_JMP_REG:
    case OP_CALL_REG:
    case OP_JMP_MEM:
    case OP_CALL_MEM:
        scratch_return(t);
        indirect_begin(t);
        if (x->op == OP_JMP_REG || x->op == OP_CALL_REG)
            emit_op_reg(t, 8, 0x8B, REG_RCX, x->reg);
        else
            emit_guest_move(t, REG_RCX, address_register(x), x, false);
        if (x->op == OP_CALL_REG || x->op == OP_CALL_MEM) {
            push_return_address(t, next, REG_R10);
            emit_lea(t, REG_RSP, AT_REG(REG_RSP, -8));
        }
        emit_lookup(t);
        break;
    default:
        RD_ASSERT(!"not a terminator");
    }
    t->in_indirect = false;
}
