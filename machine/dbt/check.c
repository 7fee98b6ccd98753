/*
 * The inline tier of the checks. For an access of natural alignment one granule of eight bytes
 * tells everything: one shadow byte, one share cell, one page. So the fast path tests alignment
 * once (unless it is known), then looks up shadow, cell and page from the same shifted address;
 * whatever is unusual (unaligned, partial granule, freed, shared, odd width) goes to C, which
 * redoes the whole check.
 *
 *     lea r, [ea]; test r, size-1; jne slow; sar r, 3
 *     cmp byte gs:[r + SHADOW], 0; jne tier       tier: own stack at or above rsp? else slow
 *     movzx r, byte gs:[r + SHARE]; xor r, agent; test r, ~WRITTEN; jne slow
 *     lea r, [ea]; sar r, 12; mov byte gs:[r], 1
 *
 * All look-ups use the full 61-bit index with GS, so a wild pointer faults in the first of them, at
 * a registered address, with the guest's registers intact. Where flags are live they have been put
 * aside.
 */
#include "machine/dbt/emit.h"

#include "abi/shadow.h"

static struct host_mem host_of(const struct mem *m)
{
    return (struct host_mem){m->base, m->index, m->scale, (int32_t)m->disp, false};
}

static void emit_address_plus(struct translation *t, int reg, const struct mem *m, int extra)
{
    if (m->fixed) {
        emit_constant(t, reg, (uint64_t)m->disp + (uint64_t)extra);
        return;
    }
    struct host_mem h = host_of(m);
    if (m->pcr) {
        emit_load(t, reg, AT_CTX(pcr));
        h.disp += extra;
        if (m->base != NO_REG) {
            emit_lea(t, reg, (struct host_mem){reg, m->base, 1, h.disp, false});
            h.disp = 0;
        }
        if (m->index != NO_REG)
            emit_lea(t, reg, (struct host_mem){reg, m->index, m->scale, h.disp, false});
        else if (h.disp)
            emit_lea(t, reg, AT_REG(reg, h.disp));
        return;
    }
    if (m->low) {
        emit8(t, 0x67);
        emit_op(t, 4, 0x8D, reg, h);
        if (extra)
            emit_lea(t, reg, AT_REG(reg, extra));
        return;
    }
    if (extra && (int64_t)h.disp + extra != (int32_t)(h.disp + extra)) {
        emit_lea(t, reg, h);
        emit_lea(t, reg, AT_REG(reg, extra));
        return;
    }
    h.disp += extra;
    emit_lea(t, reg, h);
}

void emit_address(struct translation *t, int reg, const struct mem *m)
{
    emit_address_plus(t, reg, m, 0);
}

/* A check in progress: a scratch register that held the address, and how to get the address again.
 */
struct check {
    const struct mem *m;
    int r;
};

static struct check check_begin(struct translation *t, struct insn *x, const struct mem *m)
{
    struct check c = {.m = m};
    uint32_t avoid = x->use;
    if (m->base != NO_REG)
        avoid |= BIT(m->base);
    if (m->index != NO_REG)
        avoid |= BIT(m->index);
    c.r = scratch_take(t, avoid);
    flags_free(t);
    emit_address(t, c.r, m);
    return c;
}

static void check_again(struct translation *t, const struct check *c, int extra)
{
    emit_address_plus(t, c->r, c->m, extra);
}

/* --- pieces --------------------------------------------------------------------------------------
 */

/* A slow path: a list of branches that all lead to one helper call. */
struct slow {
    uint8_t *from[6];
    unsigned count;
};

static void slow_if(struct translation *t, struct slow *s, int cc)
{
    RD_ASSERT(s->count < sizeof s->from / sizeof *s->from);
    s->from[s->count++] = emit_branch(t, cc);
}

static void slow_emit(struct translation *t, const struct slow *s, uint32_t site)
{
    cold_begin(t);
    for (unsigned k = 0; k < s->count; k++)
        patch_branch(s->from[k], t->p);
    emit_leave(t, site, CTX_AT(helper_stub));
    cold_end(t);
}

static void emit_test_low(struct translation *t, int r, unsigned mask)
{
    emit_op_reg(t, 1, 0xF6, 0, r);
    emit8(t, mask);
}

static void emit_compare8(struct translation *t, int r, unsigned value)
{
    emit_op_reg(t, 1, 0x80, 7, r);
    emit8(t, value);
}

static const uint32_t granule_mask[5] = {0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF};

/* Compares the shadow bytes of n granules with `code` in each; flags say. */
static void emit_shadow_compare(struct translation *t, int r, unsigned n, uint8_t code,
                                uint32_t site)
{
    struct host_mem m = AT_GUEST(r, ARENA_SHADOW_DISP);
    uint32_t pattern = code * 0x01010101u;
    fault_here(t, site);
    if (n == 1) {
        emit_op(t, 1, 0x80, 7, m);
        emit8(t, code);
    } else if (n == 2) {
        emit_op(t, 2, 0x81, 7, m);
        emit8(t, code);
        emit8(t, code);
    } else if (n == 3 && code == 0) {
        emit_op(t, 4, 0xF7, 0, m);
        emit32(t, granule_mask[3]);
    } else {
        emit_op(t, 4, 0x81, 7, m);
        emit32(t, pattern);
    }
}

/* r holds the granule index. Own stack memory passes in an out-of-line tier; the rest is slow. */
static void emit_shadow_test(struct translation *t, const struct check *c, unsigned n, int extra,
                             struct slow *s, uint32_t site)
{
    emit_shadow_compare(t, c->r, n, RD_SHADOW_VALID, site);
    uint8_t *to_tier = emit_branch(t, CC_NE);
    uint8_t *back = t->p;
    cold_begin(t);
    patch_branch(to_tier, t->p);
    emit_shadow_compare(t, c->r, n, RD_SHADOW_STACK, site);
    slow_if(t, s, CC_NE);
    check_again(t, c, extra);
    emit_op_reg(t, 8, 0x39, REG_RSP, c->r); /* cmp r, rsp */
    slow_if(t, s, CC_B);
    emit_sar(t, c->r, 3);
    emit_jump_to(t, -1, back);
    cold_end(t);
}

/* r holds the granule index and is lost. For one cell, "read by many" and "shared from the next
 * execution on" pass in an out-of-line tier; `index` says that check_again gives the index, not the
 * address. */
static void emit_share_test(struct translation *t, const struct check *c, unsigned n, bool write,
                            bool index, struct slow *s, uint32_t site)
{
    int r = c->r;
    struct host_mem cell = AT_GUEST(r, ARENA_SHARE_DISP);
    fault_here(t, site);
    if (n == 1)
        emit_op(t, 4, 0x0FB6, r, cell);
    else if (n == 2)
        emit_op(t, 4, 0x0FB7, r, cell);
    else
        emit_op(t, 4, 0x8B, r, cell);
    int width = n == 1 ? 1 : n == 2 ? 2 : 4;
    if (write) {
        emit_op(t, width, width == 1 ? 0x3A : 0x3B, r, AT_CTX(agent_write));
    } else {
        emit_op(t, width, width == 1 ? 0x32 : 0x33, r, AT_CTX(agent_read));
        if (width == 1) {
            emit_test_low(t, r, 0xBF);
        } else {
            emit_op_reg(t, width, 0xF7, 0, r);
            if (width == 2) {
                emit8(t, 0xBF);
                emit8(t, 0xBF);
            } else {
                emit32(t, 0xBFBFBFBFu);
            }
        }
    }
    if (n > 1) {
        slow_if(t, s, CC_NE);
        return;
    }
    uint8_t *to_tier = emit_branch(t, CC_NE);
    uint8_t *back = t->p;
    cold_begin(t);
    patch_branch(to_tier, t->p);
    check_again(t, c, 0);
    if (!index)
        emit_sar(t, r, 3);
    fault_here(t, site);
    emit_op(t, 4, 0x0FB6, r, cell);
    emit_compare8(t, r, SHARE_PENDING);
    emit_jump_to(t, CC_E, back);
    if (!write) {
        emit_compare8(t, r, SHARE_READ_MANY);
        emit_jump_to(t, CC_E, back);
    }
    slow_if(t, s, -1);
    cold_end(t);
}

static void emit_mark(struct translation *t, int r, uint32_t site)
{
    fault_here(t, site);
    emit_op(t, 1, 0xC6, 0, AT_GUEST(r, 0));
    emit8(t, 1);
}

/* --- accesses ------------------------------------------------------------------------------------
 */

/* Everything in C: widths and address forms that are too rare for inline code. */
static void check_in_c(struct translation *t)
{
    uint32_t site = site_new(t, SITE_ACCESS, flags_now(t));
    emit_leave(t, site, CTX_AT(helper_stub));
    t->d->sites.data[site].resume = t->p;
}

static void mark_fixed(struct translation *t, gva_t a, unsigned size)
{
    uint64_t first = (uint64_t)((int64_t)a >> 12), last = (uint64_t)((int64_t)(a + size - 1) >> 12);
    for (uint64_t page = first; page <= last; page++) {
        RD_ASSERT((int64_t)page == (int32_t)page);
        emit_op(t, 1, 0xC6, 0, (struct host_mem){NO_REG, NO_REG, 1, (int32_t)page, true});
        emit8(t, 1);
    }
}

/* A constant address inside an image whose validity was settled when translating. */
static void check_fixed(struct translation *t, struct insn *x)
{
    gva_t a = (gva_t)x->m.disp;
    if (t->features & DBT_SHARE) {
        unsigned n = x->size > 8 ? x->size / 8 : 1;
        if ((a & (gva_t)((x->size > 8 ? 8 : x->size) - 1)) != 0) {
            check_in_c(t);
            return;
        }
        struct mem granule = {
            .disp = (int64_t)a >> 3, .base = NO_REG, .index = NO_REG, .scale = 1, .fixed = 1};
        struct check c = check_begin(t, x, &granule);
        uint32_t site = site_new(t, SITE_ACCESS, flags_now(t));
        struct slow s = {.count = 0};
        emit_share_test(t, &c, n, x->writes, true, &s, site);
        t->d->sites.data[site].resume = t->p;
        slow_emit(t, &s, site);
    }
    if (x->writes && (t->features & DBT_DIRTY))
        mark_fixed(t, a, x->size);
}

static void check_merged(struct translation *t, struct insn *x)
{
    struct mem m = x->m;
    m.disp = x->merge_lo;
    int span = x->merge_hi - x->merge_lo;
    unsigned n = (unsigned)(x->merge_aligned ? (span + 7) / 8 : (span + 14) / 8);
    RD_ASSERT(n >= 1 && n <= 4);
    struct check c = check_begin(t, x, &m);
    uint32_t site = site_new(t, SITE_GROUP, flags_now(t));
    t->d->sites.data[site].imm = x->merge_aligned;
    struct slow s = {.count = 0};
    if (x->merge_aligned) {
        emit_test_low(t, c.r, 7);
        slow_if(t, &s, CC_NE);
    }
    emit_sar(t, c.r, 3);
    emit_shadow_test(t, &c, n, 0, &s, site);
    t->d->sites.data[site].resume = t->p;
    slow_emit(t, &s, site);
}

void check_access(struct translation *t, struct insn *x)
{
    bool own_stack = x->m.base == REG_RSP && x->m.index == NO_REG && !x->m.pcr && x->m.disp >= 0 &&
                     !x->bit_index;
    bool window = own_stack && (x->stack_done || x->stack_lo < x->stack_hi);
    if (!x->has_mem)
        return;
    if (x->leads)
        check_merged(t, x);
    /* The processor's own control region is valid as a whole. */
    bool pcr_page =
        x->m.pcr && x->m.base == NO_REG && x->m.index == NO_REG && (uint64_t)x->m.disp < 0xFF0;
    bool shadow = (t->features & DBT_SHADOW) && !x->shadow_done && !own_stack && !pcr_page;
    bool share = t->features & DBT_SHARE;
    bool dirty = (t->features & DBT_DIRTY) && x->writes && !window;
    if (!shadow && !share && !dirty)
        return;
    if (!shadow)
        x->shadow_done = true;
    if (!x->size || x->bit_index) {
        check_in_c(t);
        return;
    }
    if (x->m.fixed && !x->m.wide) {
        check_fixed(t, x);
        return;
    }
    unsigned n = x->size > 8 ? x->size / 8 : 1;
    unsigned natural = x->size > 8 ? 8 : x->size;
    bool aligned = x->aligned || natural == 1 || (own_stack && x->m.disp % (int64_t)natural == 0);
    struct check c = check_begin(t, x, &x->m);
    uint32_t site = site_new(t, SITE_ACCESS, flags_now(t));
    int32_t disp;
    t->d->sites.data[site].with_stack = (t->features & DBT_SHARE_STACK) &&
                                        stack_access(x, &disp, &t->d->sites.data[site].stack_write);
    struct slow s = {.count = 0};
    if (!aligned) {
        emit_test_low(t, c.r, natural - 1);
        slow_if(t, &s, CC_NE);
    }
    int shifted = 0;
    if (shadow || share) {
        emit_sar(t, c.r, 3);
        shifted = 3;
    }
    if (shadow)
        emit_shadow_test(t, &c, n, 0, &s, site);
    if (share) {
        emit_share_test(t, &c, n, x->writes, false, &s, site);
        if (dirty)
            check_again(t, &c, 0);
        shifted = 0;
    }
    if (dirty) {
        emit_sar(t, c.r, 12 - shifted);
        emit_mark(t, c.r, site);
        if (n > 1) {
            check_again(t, &c, x->size - 1);
            emit_sar(t, c.r, 12);
            emit_mark(t, c.r, site);
        }
    }
    t->d->sites.data[site].resume = t->p;
    slow_emit(t, &s, site);
}

/* --- the stack
 * ------------------------------------------------------------------------------------ */

static uint32_t stack_site(struct translation *t, enum site_kind kind, int32_t disp,
                           enum flags_state flags)
{
    uint32_t site = site_new(t, kind, flags);
    struct site *s = &t->d->sites.data[site];
    s->m = (struct mem){.base = REG_RSP, .index = NO_REG, .scale = 1, .disp = disp};
    s->size = 8;
    s->write = true;
    return site;
}

/* Stack memory at `disp` from rsp must be stack: the overflow test of pushes and big frames. */
static void check_depth(struct translation *t, struct insn *x, int32_t disp, bool mark)
{
    struct mem m = {.base = REG_RSP, .index = NO_REG, .scale = 1, .disp = disp};
    struct check c = check_begin(t, x, &m);
    uint32_t site = stack_site(t, SITE_STACK, disp, flags_now(t));
    t->d->sites.data[site].merged = t->variant == VARIANT_NORMAL && disp < -8 && x->push_lo == disp;
    struct slow s = {.count = 0};
    emit_sar(t, c.r, 3);
    emit_shadow_compare(t, c.r, 1, RD_SHADOW_STACK, site);
    uint8_t *other = emit_branch(t, CC_NE);
    uint8_t *back = t->p;
    cold_begin(t);
    patch_branch(other, t->p);
    emit_shadow_compare(t, c.r, 1, RD_SHADOW_VALID, site);
    emit_jump_to(t, CC_E, back);
    slow_if(t, &s, -1);
    cold_end(t);
    if (mark) {
        emit_sar(t, c.r, 9);
        emit_mark(t, c.r, site);
    }
    t->d->sites.data[site].resume = back;
    slow_emit(t, &s, site);
}

static void mark_stack(struct translation *t, struct insn *x, int32_t disp)
{
    struct mem m = {.base = REG_RSP, .index = NO_REG, .scale = 1, .disp = disp};
    struct check c = check_begin(t, x, &m);
    uint32_t site = stack_site(t, SITE_FAULT, disp, flags_now(t));
    emit_sar(t, c.r, 12);
    emit_mark(t, c.r, site);
}

/* The implicit stack access of PUSH, POP, CALL and RET; false: there is none. */
bool stack_access(const struct insn *x, int32_t *disp, bool *write)
{
    switch (x->op) {
    case OP_PUSH_REG:
    case OP_PUSH_IMM:
    case OP_PUSH_MEM:
    case OP_CALL:
    case OP_CALL_REG:
    case OP_CALL_MEM:
        *disp = -8;
        *write = true;
        return true;
    case OP_POP_REG:
    case OP_POP_MEM:
    case OP_RET:
        *disp = 0;
        *write = false;
        return true;
    default:
        return false;
    }
}

/* A return that ends a frame which somebody holds a pointer into goes to the machine first. The check's register holds the
 * granule index, and keeps it. */
static void check_frame(struct translation *t, const struct check *c)
{
    uint32_t site = stack_site(t, SITE_FRAME, 0, flags_now(t));
    t->d->sites.data[site].write = false;
    struct slow s = {.count = 0};
    emit_shadow_compare(t, c->r, 1, RD_SHADOW_FRAME, site);
    slow_if(t, &s, CC_E);
    t->d->sites.data[site].resume = t->p;
    slow_emit(t, &s, site);
}

static void check_stack_share(struct translation *t, struct insn *x)
{
    int32_t disp;
    bool write;
    unsigned both = DBT_SHARE | DBT_SHARE_STACK;
    bool share = (t->features & both) == both;
    bool frame = (t->features & DBT_FRAMES) && x->op == OP_RET;
    if ((!share && !frame) || !stack_access(x, &disp, &write))
        return;
    struct mem m = {.base = REG_RSP, .index = NO_REG, .scale = 1, .disp = disp};
    struct check c = check_begin(t, x, &m);
    emit_sar(t, c.r, 3);
    if (frame)
        check_frame(t, &c);
    if (!share)
        return;
    uint32_t site = stack_site(t, SITE_ACCESS, disp, flags_now(t));
    t->d->sites.data[site].write = write;
    t->d->sites.data[site].checks_shadow = false;
    t->d->sites.data[site].bit_index = false;
    struct slow s = {.count = 0};
    emit_share_test(t, &c, 1, write, false, &s, site);
    t->d->sites.data[site].resume = t->p;
    slow_emit(t, &s, site);
}

void check_stack(struct translation *t, struct insn *x)
{
    check_stack_share(t, x);
    bool dirty = (t->features & DBT_DIRTY) && x->stack_lo < x->stack_hi;
    bool low_marked = false;
    int32_t delta;
    if ((t->features & DBT_SHADOW) && x->push_lo) {
        low_marked = dirty && x->push_lo == x->stack_lo;
        check_depth(t, x, x->push_lo, low_marked);
    } else if ((t->features & DBT_SHADOW) && x->op == OP_COPY && (x->kill & BIT(REG_RSP)) &&
               stack_delta(x, &delta) && delta <= -2048) {
        check_depth(t, x, delta, false);
    }
    if (!dirty)
        return;
    if (!low_marked)
        mark_stack(t, x, x->stack_lo);
    if (x->stack_hi - x->stack_lo > 8)
        mark_stack(t, x, x->stack_hi - 1);
}
