/*
 * The out-of-line tier of the checks, called from generated code through dbt_helper_stub with the
 * guest's vector registers live: general registers only, and no library calls.
 *
 * A slow path redoes the whole check of its access (validity, sharing, page marks) and resumes
 * behind it, so the fast path may give up at any point without telling why. Merged checks that do
 * not pass here are not judged: execution goes on in the block's unmerged version, whose checks
 * name the exact instruction.
 */
#pragma GCC target("general-regs-only") /* before all else, or header inlines stay calls */

#include "machine/dbt/internal.h"

#include "abi/shadow.h"

static void probe(gva_t a, uint32_t n, bool write)
{
    CTX->probe = a;
    CTX->probe_size = n;
    CTX->probe_write = write;
}

/* Stack memory below the running thread's rsp is dead: there is nothing but stack between. Another
 * thread's rsp is not known here; its stack, behind a guard zone, is allowed as a whole. */
static bool stack_allowed(gva_t a, gva_t rsp)
{
    if (a >= rsp || rsp - a > RD_STACK_STRIDE)
        return true;
    for (gva_t g = a & ~7ull; g < rsp; g += 8)
        if (*arena_shadow(g) != RD_SHADOW_STACK && *arena_shadow(g) != RD_SHADOW_FRAME)
            return true;
    return false;
}

/* Stack that is looked at closely. Below the stack pointer it is dead like any other. */
static bool frame_allowed(struct dbt *d, gva_t a, gva_t rsp, uint8_t *code)
{
    if (!stack_allowed(a, rsp)) {
        *code = RD_SHADOW_STACK;
        return false;
    }
    return d->callbacks.frame == NULL || !d->callbacks.frame(d->context, a, rsp);
}

/* Watched memory is valid, but its writes are the machine's business (machine/watch.c). */
static bool allowed(struct dbt *d, gva_t a, uint64_t n, gva_t rsp, gva_t *bad, uint8_t *code,
                    bool watched)
{
    if (!n)
        return true;
    gva_t end = a + n, first = a & ~7ull;
    uint64_t granules = ((end - 1) >> 3) - (a >> 3) + 1;
    for (uint64_t k = 0; k < granules; k++) {
        gva_t g = first + 8 * k;
        if ((g & 63) == 0 && g >= a && granules - k > 8) { /* 64 valid bytes at once */
            uint64_t eight;
            CTX->probe = g;
            __builtin_memcpy(&eight, arena_shadow(g), 8);
            if (eight == 0) {
                k += 7;
                continue;
            }
        }
        unsigned low = g < a ? (unsigned)(a - g) : 0;
        unsigned high = end - g < 8 ? (unsigned)(end - g) : 8;
        CTX->probe = g + low;
        uint8_t c = *arena_shadow(g);
        if (c >= RD_SHADOW_PAGED_POOL && c <= RD_SHADOW_PAGED_TAIL && CTX->irql < 2) /* resident then */
            c = c == RD_SHADOW_PAGED_TAIL ? *(const volatile uint8_t *)arena_host(g + 8) : RD_SHADOW_VALID;
        bool ok = c == RD_SHADOW_VALID || (c < 8 && high <= c) ||
                  (c == RD_SHADOW_STACK && stack_allowed(g + low, rsp)) ||
                  (c == RD_SHADOW_FRAME && frame_allowed(d, g + low, rsp, &c)) ||
                  (c == RD_SHADOW_WATCHED && watched);
        if (!ok) {
            *bad = g + (c > low && c < 8 ? c : low);
            *code = c;
            return false;
        }
    }
    return true;
}

bool access_allowed(struct dbt *d, gva_t a, uint64_t n, gva_t rsp, gva_t *bad, uint8_t *code)
{
    return allowed(d, a, n, rsp, bad, code, !CTX->probe_write);
}

static bool cell_plain(uint8_t cell, uint8_t agent, bool write)
{
    if (cell == SHARE_PENDING)
        return true;
    if (write)
        return cell == (agent | SHARE_WRITTEN);
    return (cell & ~SHARE_WRITTEN & 0xFF) == agent || cell == SHARE_READ_MANY;
}

bool access_stops(struct dbt *d, gva_t a, uint64_t n, bool write, enum code_class class,
                  gva_t *where, uint32_t *size)
{
    uint8_t agent = (uint8_t)CTX->agent_read;
    gva_t end = a + n;
    for (gva_t g = a & ~7ull; n && g != ((end + 7) & ~7ull); g += 8) {
        gva_t from = g < a ? a : g;
        gva_t to = end - g < 8 ? end : g + 8;
        CTX->probe = from;
        if (cell_plain(*arena_share(g), agent, write))
            continue;
        d->stats.slow_share++;
        bool asked = d->callbacks.share(d->context, from, (uint32_t)(to - from), write, class);
        if (asked && class == CODE_DRIVER) {
            *where = from;
            *size = (uint32_t)(to - from);
            return true;
        }
    }
    return false;
}

void access_mark(gva_t a, uint64_t n)
{
    if (!n)
        return;
    for (uint64_t page = (uint64_t)((int64_t)a >> 12),
                  last = (uint64_t)((int64_t)(a + n - 1) >> 12);
         ; page++) {
        *(uint8_t *)(page + RD_HOST_DELTA) = 1;
        if (page == last)
            break;
    }
}

static uint8_t *leave(struct dbt *d, const struct site *s)
{
    leave_at(d, s, CTX->gpr, CTX->helper_flags);
    return NULL;
}

static uint8_t *retry_unmerged(struct dbt *d, const struct site *s)
{
    leave(d, s);
    CTX->retry = GO_UNMERGED;
    return NULL;
}

static uint8_t *bad_access(struct dbt *d, const struct site *s, gva_t bad, uint8_t code,
                           uint32_t size, bool write)
{
    leave(d, s);
    struct dbt_exit *e = exit_record(DBT_BAD_ACCESS);
    e->address = bad;
    e->size = size;
    e->write = write;
    e->shadow = code;
    return NULL;
}

bool share_active(const struct dbt *d, const struct block *b)
{
    return (d->features & DBT_SHARE) && b->variant != VARIANT_ONE && b->class != CODE_KERNEL_NOLOG;
}

static uint8_t *slow_access(struct dbt *d, const struct site *s, const uint64_t guest[16])
{
    const struct block *b = &d->blocks.data[s->block];
    gva_t a = mem_address(&s->m, guest), bad;
    uint8_t code;
    if (s->bit_index) { /* BT m, r reaches (r >> log2 width) operands away */
        int64_t bit = (int64_t)guest[s->reg];
        if (s->width == 2)
            bit = (int16_t)bit;
        else if (s->width == 4)
            bit = (int32_t)bit;
        int shift = s->width == 8 ? 6 : s->width == 4 ? 5 : 4;
        a += (uint64_t)((bit >> shift) * s->width);
    }
    probe(a, s->size, s->write);
    if (s->checks_shadow) {
        d->stats.slow_shadow++;
        if (!access_allowed(d, a, s->size, guest[REG_RSP], &bad, &code))
            return bad_access(d, s, a, code, s->size, s->write);
    }
    if (share_active(d, b)) {
        gva_t where;
        uint32_t size;
        if (access_stops(d, a, s->size, s->write, b->class, &where, &size)) {
            if (s->with_stack) /* the exit names one access: the other is entered here */
                d->callbacks.share(d->context, guest[REG_RSP] - (s->stack_write ? 8 : 0), 8,
                                   s->stack_write, CODE_KERNEL);
            leave(d, s);
            struct dbt_exit *e = exit_record(DBT_SHARED);
            e->address = a;
            e->size = s->size;
            e->write = s->write;
            return NULL;
        }
    }
    if (s->write && (d->features & DBT_DIRTY))
        access_mark(a, s->size);
    return s->resume;
}

static uint8_t *slow_group(struct dbt *d, const struct site *s, const uint64_t guest[16])
{
    gva_t a = guest[s->m.base] + (uint64_t)(int64_t)s->merge_lo, bad;
    uint8_t code;
    d->stats.slow_shadow++;
    probe(a, s->size, s->write);
    /* imm: the check was also to prove 8-byte alignment */
    if ((s->imm && (a & 7)) ||
        !allowed(d, a, (uint64_t)(s->merge_hi - s->merge_lo), guest[REG_RSP], &bad, &code, false))
        return retry_unmerged(d, s);
    return s->resume;
}

static uint8_t *slow_stack(struct dbt *d, const struct site *s, const uint64_t guest[16])
{
    gva_t a = mem_address(&s->m, guest);
    probe(a, 8, true);
    uint8_t c = *arena_shadow(a);
    if (c == RD_SHADOW_STACK || c == RD_SHADOW_VALID || c == RD_SHADOW_FRAME)
        return s->resume;
    if (s->merged)
        return retry_unmerged(d, s);
    return bad_access(d, s, a, c, 8, true);
}

static uint8_t *slow_frame(struct dbt *d, const struct site *s, const uint64_t guest[16])
{
    leave(d, s);
    exit_record(DBT_FRAME)->address = mem_address(&s->m, guest);
    return NULL;
}

uint8_t *dbt_helper(uint32_t number)
{
    struct dbt *d = dbt_self;
    struct site *s = &d->sites.data[number];
    uint64_t guest[16];
    uint8_t *next = NULL;
    CTX->helper_site = number + 1;
    site_registers(s, CTX->gpr, guest);
    switch (s->kind) {
    case SITE_ACCESS:
        next = slow_access(d, s, guest);
        break;
    case SITE_GROUP:
        next = slow_group(d, s, guest);
        break;
    case SITE_STACK:
        next = slow_stack(d, s, guest);
        break;
    case SITE_FRAME:
        next = slow_frame(d, s, guest);
        break;
    case SITE_EMULATE: {
        uint64_t flags = site_flags(s, CTX->helper_flags);
        if (!emulate(d, s, guest, &flags)) {
            copy_registers(CTX->gpr, guest);
            CTX->helper_flags = (flags & 0xD5) << 8 | 2u << 8 | (flags >> 11 & 1);
            next = s->resume;
        }
        break;
    }
    default:
        RD_ASSERT(!"site without a helper");
    }
    CTX->helper_site = 0;
    return next;
}
