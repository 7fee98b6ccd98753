/*
 * What instrumentation borrows from the guest: one register and the arithmetic flags. Both are
 * borrowed lazily: put into the context once, used by every check that follows, and given back only
 * when the guest looks at them (or not at all when it overwrites them first). Saving at each check
 * instead costs more than the checks do.
 *
 * The register is the one whose next use is farthest away, preferably one that the guest overwrites
 * without reading. Every site records what is borrowed at that moment, so exits are exact.
 */
#include "machine/dbt/emit.h"

void scratch_return(struct translation *t)
{
    if (t->lent == NO_REG)
        return;
    emit_load(t, t->lent, AT_CTX(spill[0]));
    t->lent = NO_REG;
}

/* How good r is as scratch from here on: larger is better. */
static int score_of(const struct translation *t, int r)
{
    int distance = 0;
    for (unsigned k = t->at; k < t->count; k++, distance += 2) {
        const struct insn *x = &t->insns[k];
        if (x->use & BIT(r))
            return distance;
        if (x->kill & BIT(r))
            return distance + 5; /* overwritten: need not be reloaded */
    }
    return distance;
}

int scratch_take(struct translation *t, uint32_t avoid)
{
    avoid |= BIT(REG_RSP);
    if (t->lent != NO_REG && !(avoid & BIT(t->lent)))
        return t->lent;
    scratch_return(t);
    /* LAHF needs rax: with rax lent, putting flags aside is two instructions shorter each way. */
    bool flags = !t->flags_saved && (t->insns[t->at].live & MASK_FLAGS);
    int best = NO_REG, best_score = -1;
    for (int r = 15; r >= 0; r--) {
        if (avoid & BIT(r))
            continue;
        int score = score_of(t, r) + (flags && r == REG_RAX ? 4 : 0);
        if (score > best_score) {
            best_score = score;
            best = r;
        }
    }
    RD_ASSERT(best != NO_REG);
    emit_store(t, AT_CTX(spill[0]), best);
    t->lent = best;
    return best;
}

void flags_free(struct translation *t)
{
    if (t->flags_saved || !(t->insns[t->at].live & MASK_FLAGS))
        return;
    bool borrow = t->lent != REG_RAX;
    if (borrow)
        emit_store(t, AT_CTX(spill[1]), REG_RAX);
    emit8(t, 0x9F);                        /* lahf */
    emit_op_reg(t, 1, 0x0F90, 0, REG_RAX); /* seto al */
    emit_store(t, AT_CTX(saved_flags), REG_RAX);
    if (borrow)
        emit_load(t, REG_RAX, AT_CTX(spill[1]));
    t->flags_saved = true;
}

void flags_restore(struct translation *t)
{
    if (!t->flags_saved)
        return;
    bool borrow = t->lent != REG_RAX;
    if (borrow)
        emit_store(t, AT_CTX(spill[1]), REG_RAX);
    emit_load(t, REG_RAX, AT_CTX(saved_flags));
    emit8(t, 0x04); /* add al, 0x7f: overflow out of al */
    emit8(t, 0x7F);
    emit8(t, 0x9E); /* sahf */
    if (borrow)
        emit_load(t, REG_RAX, AT_CTX(spill[1]));
    t->flags_saved = false;
}

/* Before the guest's own x: flags that it reads, or changes in part, must be in RFLAGS. */
void flags_settle(struct translation *t, const struct insn *x)
{
    if (!t->flags_saved)
        return;
    uint32_t after = t->at + 1 < t->count ? t->insns[t->at + 1].live : t->live_out;
    bool leaves = OP_ENDS_BLOCK(x->op) || x->op == OP_EMULATE;
    if (leaves ? x->live & MASK_FLAGS
               : x->touches_flags && ((x->use & MASK_FLAGS) || (after & ~x->kill & MASK_FLAGS)))
        flags_restore(t);
    else if (leaves || x->touches_flags)
        t->flags_saved = false; /* dead: x or what follows overwrites them all */
}
