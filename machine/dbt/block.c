/*
 * One block: gather instructions up to a terminator, plan, emit. The plan decides three things that
 * look at the block as a whole, because doing them an instruction at a time is what makes checking
 * slow:
 *
 * - flags: backwards liveness, so that checks know whether they may clobber them;
 * - merged checks: accesses through the same unchanged base within 32 bytes share one shadow test,
 * at the first of them. Sound because nothing in a block can change validity (hypercalls end
 * blocks); exact because a merged test that fails sends execution to the block's unmerged version;
 * - the stack window: pushes and rsp-relative stores between two unknown changes of rsp lie within
 * a known distance, so the first of them marks the pages (and tests the depth) for all.
 */
#include "machine/dbt/emit.h"

#include <string.h>
#include <time.h>

#include "abi/shadow.h"

#define HOT_RESERVE 65536u

/* --- the plan ----------------------------------------------------------------------------------
 */

/* In front of a fence comes an instruction of no length, which leaves while stores wait. It is no instruction of the guest's: it
 * does not count, and a block of a single instruction has room for it. */
static unsigned gather(struct translation *t, gva_t pc)
{
    unsigned limit = t->variant >= VARIANT_ONE ? 1 : BLOCK_MAX;
    unsigned n = 0;
    while (n < limit && pc < t->range.end && (n == 0 || !is_stop(t->d, pc))) {
        struct insn *x = &t->insns[n];
        const struct insn *decoded = decode(pc, t->range.end);
        if (!decoded && n)
            break; /* it traps only if it is really reached */
        if (decoded)
            *x = *decoded;
        else
            *x = (struct insn){.pc = pc,
                               .length = 1,
                               .op = OP_STOP,
                               .action = ACT_TRAP,
                               .imm = 6,
                               .reg = NO_REG,
                               .m = {.base = NO_REG, .index = NO_REG}};
        if (x->fence && (t->features & DBT_FENCES) && t->range.class == CODE_DRIVER &&
            t->variant != VARIANT_ONE) {
            if (n > 0 && n + 2 > limit)
                break;
            t->insns[n + 1] = *x;
            *x = (struct insn){.pc = pc,
                               .op = OP_EMULATE,
                               .action = ACT_FENCE,
                               .reg = NO_REG,
                               .m = {.base = NO_REG, .index = NO_REG}};
            x = &t->insns[++n];
        }
        n++;
        pc += x->length;
        if (OP_ENDS_BLOCK(x->op))
            break;
    }
    return n;
}

static void plan_flags(struct translation *t)
{
    const struct insn *last = &t->insns[t->count - 1];
    uint32_t live = t->live_out = liveness_after(&t->range, last);
    for (unsigned k = t->count; k-- > 0;) {
        struct insn *x = &t->insns[k];
        live = ((live & ~x->kill) | x->use) & MASK_FLAGS;
        x->live = live;
    }
}

/* A RIP-relative access needs no check while running when its bytes are valid now: an image's own
 * sections stay as they are until it is unloaded, and then its code is dropped too. */
static void plan_fixed(struct translation *t)
{
    for (unsigned k = 0; k < t->count; k++) {
        struct insn *x = &t->insns[k];
        if (!x->has_mem || !x->m.fixed || x->m.wide || !(t->features & DBT_SHADOW))
            continue;
        gva_t a = (gva_t)x->m.disp, end = a + (x->size ? x->size : x->odd_size);
        for (gva_t g = a & ~7ull; g < end; g += 8)
            if (*arena_shadow(g) != RD_SHADOW_VALID)
                x->m.wide = 1;
        if (!x->m.wide) {
            x->shadow_done = true;
        } else if (x->op == OP_POP_MEM) { /* would need a second scratch register */
            x->op = OP_EMULATE;
            x->action = ACT_POP;
            x->has_mem = false;
        }
    }
}

static bool mergeable(const struct insn *x)
{
    return x->has_mem && x->size && !x->m.fixed && !x->m.pcr && !x->m.low && !x->bit_index &&
           x->m.base != NO_REG && x->m.index == NO_REG && !x->shadow_done &&
           !(x->m.base == REG_RSP && x->m.disp >= 0) && x->m.disp > -16000 && x->m.disp < 16000 &&
           x->op != OP_POP_MEM;
}

static bool pushes(const struct insn *x)
{
    return x->op == OP_PUSH_REG || x->op == OP_PUSH_IMM || x->op == OP_PUSH_MEM;
}

static bool merge_fits(int64_t lo, int64_t hi, int widest)
{
    if (widest >= 8)
        return ((hi + 7) & ~7ll) - (lo & ~7ll) <= 32;
    return hi - lo <= 18;
}

static void plan_merge(struct translation *t)
{
    for (unsigned k = 0; k < t->count; k++) {
        struct insn *leader = &t->insns[k];
        if (!mergeable(leader))
            continue;
        int64_t lo = leader->m.disp, hi = lo + leader->size;
        int widest = leader->size;
        unsigned members[BLOCK_MAX], count = 0;
        for (unsigned j = k; j < t->count; j++) {
            struct insn *x = &t->insns[j];
            if (mergeable(x) && x->m.base == leader->m.base) {
                int64_t l = x->m.disp < lo ? x->m.disp : lo;
                int64_t h = x->m.disp + x->size > hi ? x->m.disp + x->size : hi;
                int w = x->size > widest ? x->size : widest;
                if (merge_fits(l, h, w))
                    lo = l, hi = h, widest = w, members[count++] = j;
            }
            if (x->kill & BIT(leader->m.base))
                break;
            if ((x->kill & BIT(REG_RSP)) && !pushes(x))
                break; /* popping may kill stack memory that was alive at the leader */
        }
        if (count < 2)
            continue;
        leader->leads = true;
        leader->merge_aligned = widest >= 8;
        if (leader->merge_aligned)
            lo &= ~7ll;
        leader->merge_lo = (int16_t)lo;
        leader->merge_hi = (int16_t)hi;
        for (unsigned j = 0; j < count; j++) {
            struct insn *x = &t->insns[members[j]];
            int natural = x->size > 8 ? 8 : x->size;
            x->shadow_done = true;
            x->aligned = leader->merge_aligned && x->m.disp % natural == 0;
        }
    }
}

/* The bytes that x stores into the stack, from rsp before it. */
static bool stack_store(const struct insn *x, int32_t *lo, int32_t *hi)
{
    int32_t delta;
    if (x->op == OP_CALL || x->op == OP_CALL_REG || x->op == OP_CALL_MEM || pushes(x)) {
        stack_delta(x, &delta);
        *lo = delta;
        *hi = 0;
        return true;
    }
    if (x->has_mem && x->writes && x->m.base == REG_RSP && x->m.index == NO_REG && !x->m.pcr &&
        !x->m.low && x->m.disp >= 0 && x->m.disp < 16000 && x->size && !x->bit_index) {
        *lo = (int32_t)x->m.disp;
        *hi = *lo + x->size;
        return true;
    }
    return false;
}

static void plan_stack(struct translation *t)
{
    for (unsigned start = 0; start < t->count;) {
        int32_t at = 0, lo = 0, hi = 0, lowest_push = 0, first_at = 0, push_at = 0;
        struct insn *leader = NULL, *first_push = NULL;
        unsigned k = start;
        for (; k < t->count; k++) {
            struct insn *x = &t->insns[k];
            int32_t l, h, delta;
            if (stack_store(x, &l, &h)) {
                int32_t nl = leader && lo < at + l ? lo : at + l;
                int32_t nh = leader && hi > at + h ? hi : at + h;
                if (leader && (nh - nl > 4096 || t->variant != VARIANT_NORMAL))
                    break; /* this one starts the next window */
                lo = nl;
                hi = nh;
                if (!leader) {
                    leader = x;
                    first_at = at;
                } else {
                    x->stack_done = true;
                }
                if (l < 0) {
                    if (!first_push)
                        first_push = x, push_at = at, lowest_push = at + l;
                    lowest_push = at + l < lowest_push ? at + l : lowest_push;
                }
            }
            if (!stack_delta(x, &delta) || at + delta < -16000 || at + delta > 16000) {
                k++;
                break;
            }
            at += delta;
        }
        if (leader) {
            leader->stack_lo = (int16_t)(lo - first_at);
            leader->stack_hi = (int16_t)(hi - first_at);
        }
        if (first_push)
            first_push->push_lo = (int16_t)(lowest_push - push_at);
        start = k;
    }
}

/* Where scratch is wanted for the last time: given back right there, its reload does not come
 * between a compare and its branch, which the processor would fuse. Only a hint. */
static void plan_scratch(struct translation *t)
{
    for (unsigned k = 0; k < t->count; k++) {
        const struct insn *x = &t->insns[k];
        bool stack = x->stack_lo < x->stack_hi || x->push_lo || (t->features & DBT_SHARE_STACK);
        if (x->has_mem || x->op == OP_CALL || x->op == OP_MOFFS || stack)
            t->last_need = k;
    }
}

/* --- emission ----------------------------------------------------------------------------------
 */

static unsigned features_for(const struct dbt *d, enum code_class class, uint8_t variant)
{
    unsigned f = d->features;
    if (class == CODE_KERNEL_NOLOG || variant == VARIANT_ONE)
        f &= ~DBT_SHARE;
    return f;
}

static void emit_instruction(struct translation *t, struct insn *x)
{
    if (t->lent != NO_REG && (x->use & BIT(t->lent)))
        scratch_return(t);
    if (x->op >= OP_JMP) {
        if (x->op == OP_STOP) {
            flags_settle(t, x);
            scratch_return(t);
            emit_helper_call(t, x);
        } else {
            emit_terminator(t, x);
        }
        return;
    }
    check_access(t, x);
    check_stack(t, x);
    flags_settle(t, x);
    if (x->op == OP_EMULATE) {
        scratch_return(t);
        emit_helper_call(t, x);
    } else {
        emit_plain(t, x);
    }
    if (t->lent != NO_REG && (x->kill & BIT(t->lent)))
        t->lent = NO_REG; /* the guest has a new value: nothing to give back */
    if (t->at >= t->last_need)
        scratch_return(t);
}

static uint64_t now_ns(void)
{
    struct timespec s;
    clock_gettime(CLOCK_MONOTONIC, &s);
    return (uint64_t)s.tv_sec * 1000000000u + (uint64_t)s.tv_nsec;
}

uint32_t translate(struct dbt *d, gva_t pc, uint8_t variant)
{
    struct code_range range = d->callbacks.code(d->context, pc);
    if (range.class == CODE_NONE || pc < range.start || pc >= range.end)
        return 0;
    uint64_t begin = now_ns();
    if (d->hot + HOT_RESERVE > (uint8_t *)CODE_BASE + COLD_OFFSET ||
        d->cold + HOT_RESERVE > (uint8_t *)CODE_BASE + CODE_SIZE)
        cache_flush(d);
    static struct insn insns[BLOCK_MAX];
    uint8_t unit = unit_of(d, &range);
    /* Direct branches, loops' above all, enter behind the indirect entry: align that. */
    d->hot = (uint8_t *)(((uintptr_t)d->hot + INDIRECT_ENTRY_BYTES + 31) & ~(uintptr_t)31) -
             INDIRECT_ENTRY_BYTES;
    struct translation t = {
        .d = d,
        .range = range,
        .insns = insns,
        .variant = variant,
        .lent = NO_REG,
        .p = d->hot,
        .features = features_for(d, range.class, variant),
        .block = (uint32_t)d->blocks.count,
        .unit = unit,
    };
    uint8_t *hot = d->hot, *cold = d->cold;
    t.count = gather(&t, pc);
    const struct insn *last = &insns[t.count - 1];
    struct block b = {.pc = pc,
                      .end = last->pc + last->length,
                      .count = (uint16_t)t.count,
                      .variant = variant,
                      .class = (uint8_t)range.class,
                      .pageable = range.pageable,
                      .unit = unit};
    vec_push(&d->blocks, b);
    plan_flags(&t);
    plan_fixed(&t);
    if ((t.features & DBT_SHADOW) && variant == VARIANT_NORMAL)
        plan_merge(&t);
    plan_stack(&t);
    plan_scratch(&t);
    emit_prologue(&t, &d->blocks.data[t.block]);
    for (t.at = 0; t.at < t.count; t.at++)
        emit_instruction(&t, &insns[t.at]);
    t.at = t.count - 1;
    if (!OP_ENDS_BLOCK(last->op)) {
        scratch_return(&t);
        emit_fall_through(&t, last->pc + last->length);
    }
    d->hot = t.p;
    block_insert(d, t.block);
    d->stats.blocks++;
    d->stats.guest_instructions += t.count;
    d->stats.host_bytes += (uint64_t)(d->hot - hot) + (uint64_t)(d->cold - cold);
    d->stats.translate_ns += now_ns() - begin;
    if ((d->features & DBT_COVERAGE) && variant == VARIANT_NORMAL)
        coverage_note(d, pc);
    return t.block;
}
