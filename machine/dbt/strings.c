/*
 * String instructions: their addresses cannot take a segment override, and a repeated one touches a
 * range. The range is validated, consulted for sharing and marked as a whole before anything moves,
 * so that a stop leaves the instruction unexecuted; then the host's own instruction of the same
 * width does the work, which gives overlapping copies their exact meaning. A repeated instruction
 * counts as one.
 *
 * CMPS and SCAS end where the data says, so they look first, and only what was looked at counts.
 */
#pragma GCC target("general-regs-only") /* before all else, or header inlines stay calls */

#include "machine/dbt/internal.h"

struct span {
    gva_t start;
    uint64_t bytes;
};

static struct span span_of(gva_t at, uint64_t count, unsigned width, bool down)
{
    uint64_t bytes = count * width;
    return (struct span){down ? at - bytes + width : at, bytes};
}

static bool leave_bad(struct site *s, const uint64_t gpr[16], uint64_t flags, gva_t a, uint8_t code,
                      bool write)
{
    leave_with_state(s, gpr, flags, false);
    struct dbt_exit *e = exit_record(DBT_BAD_ACCESS);
    e->address = a; /* of the first bad byte: the element may be anywhere in the range */
    e->size = s->width;
    e->write = write;
    e->shadow = code;
    return true;
}

/* How far into its span (in execution order) an address lies. */
static uint64_t depth_of(struct span p, gva_t a, bool down)
{
    return down ? p.start + p.bytes - 1 - a : a - p.start;
}

/* Consults sharing for the whole of both spans. The exit can name only one of them; the machine
 * enters that one when it executes the instruction, so the other is entered here. */
static bool shared_stop(struct dbt *d, struct site *s, const uint64_t gpr[16], uint64_t flags,
                        const struct span *first, const struct span *second)
{
    const struct block *b = &d->blocks.data[s->block];
    if (!share_active(d, b))
        return false;
    const struct span *spans[2] = {first, second};
    bool writes[2] = {false, s->action == ACT_MOVS || s->action == ACT_STOS};
    for (int k = 0; k < 2; k++) {
        gva_t where;
        uint32_t size;
        CTX->probe_size = s->width;
        CTX->probe_write = writes[k];
        if (!spans[k] ||
            !access_stops(d, spans[k]->start, spans[k]->bytes, writes[k], b->class, &where, &size))
            continue;
        const struct span *other = spans[1 - k];
        if (other)
            d->callbacks.share(d->context, other->start, (uint32_t)other->bytes, writes[1 - k],
                               CODE_KERNEL);
        leave_with_state(s, gpr, flags, false);
        struct dbt_exit *e = exit_record(DBT_SHARED);
        e->address = spans[k]->start;
        e->size = (uint32_t)spans[k]->bytes;
        e->write = writes[k];
        return true;
    }
    return false;
}

static bool spans_refused(struct dbt *d, struct site *s, const uint64_t gpr[16], uint64_t flags,
                          const struct span *read, const struct span *write, bool down)
{
    CTX->probe_size = s->width;
    if (d->features & DBT_SHADOW) {
        gva_t bad_read = 0, bad_write = 0;
        uint8_t code_read = 0, code_write = 0;
        CTX->probe_write = 0;
        bool r = read &&
                 !access_allowed(d, read->start, read->bytes, gpr[REG_RSP], &bad_read, &code_read);
        CTX->probe_write = 1;
        bool w = write && !access_allowed(d, write->start, write->bytes, gpr[REG_RSP], &bad_write,
                                          &code_write);
        if (r && w) {
            w = depth_of(*write, bad_write, down) < depth_of(*read, bad_read, down);
            r = !w;
        }
        if (r)
            return leave_bad(s, gpr, flags, bad_read, code_read, false);
        if (w)
            return leave_bad(s, gpr, flags, bad_write, code_write, true);
    }
    if (shared_stop(d, s, gpr, flags, read, write))
        return true;
    if (write && (d->features & DBT_DIRTY))
        access_mark(write->start, write->bytes);
    CTX->probe_size = 0;
    return false;
}

#define REPEAT(down, text)                                                                         \
    do {                                                                                           \
        if (down)                                                                                  \
            __asm__ volatile("std; " text "; cld"                                                  \
                             : "+D"(to), "+S"(from), "+c"(count), "+a"(value)                      \
                             :                                                                     \
                             : "memory", "cc");                                                    \
        else                                                                                       \
            __asm__ volatile(text                                                                  \
                             : "+D"(to), "+S"(from), "+c"(count), "+a"(value)                      \
                             :                                                                     \
                             : "memory", "cc");                                                    \
    } while (0)

static void run_host(enum action action, unsigned width, gva_t to, gva_t from, uint64_t count,
                     uint64_t value, bool down)
{
    to += RD_HOST_DELTA;
    from += RD_HOST_DELTA;
    if (action == ACT_MOVS) {
        switch (width) {
        case 1:
            REPEAT(down, "rep movsb");
            break;
        case 2:
            REPEAT(down, "rep movsw");
            break;
        case 4:
            REPEAT(down, "rep movsl");
            break;
        default:
            REPEAT(down, "rep movsq");
            break;
        }
    } else {
        switch (width) {
        case 1:
            REPEAT(down, "rep stosb");
            break;
        case 2:
            REPEAT(down, "rep stosw");
            break;
        case 4:
            REPEAT(down, "rep stosl");
            break;
        default:
            REPEAT(down, "rep stosq");
            break;
        }
    }
}

static uint64_t load(gva_t a, unsigned width)
{
    switch (width) {
    case 1:
        return *(volatile uint8_t *)arena_host(a);
    case 2:
        return *(volatile loose16 *)arena_host(a);
    case 4:
        return *(volatile loose32 *)arena_host(a);
    default:
        return *(volatile loose64 *)arena_host(a);
    }
}

/* RFLAGS of CMP x, y at a width. */
static uint64_t compare_flags(uint64_t x, uint64_t y, unsigned width)
{
    unsigned bits = width * 8;
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1, sign = 1ull << (bits - 1);
    x &= mask;
    y &= mask;
    uint64_t r = (x - y) & mask, f = 0;
    f |= x < y;
    uint8_t p = (uint8_t)r;
    p ^= p >> 4;
    p ^= p >> 2;
    p ^= p >> 1;
    f |= (p & 1) ? 0 : 4;
    f |= (x ^ y ^ r) & 0x10;
    f |= r == 0 ? 0x40 : 0;
    f |= r & sign ? 0x80 : 0;
    f |= (x ^ y) & (x ^ r) & sign ? 0x800 : 0;
    return f;
}

static void set_width(uint64_t *reg, uint64_t value, unsigned width)
{
    switch (width) {
    case 1:
        *reg = (*reg & ~0xFFull) | (value & 0xFF);
        break;
    case 2:
        *reg = (*reg & ~0xFFFFull) | (value & 0xFFFF);
        break;
    case 4:
        *reg = (uint32_t)value;
        break;
    default:
        *reg = value;
        break;
    }
}

static bool scan(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t *flags, uint64_t limit,
                 bool down)
{
    bool compare = s->action == ACT_CMPS;
    unsigned w = s->width;
    uint64_t step = down ? 0 - (uint64_t)w : w, count = 0, f = *flags;
    gva_t from = gpr[REG_RSI], to = gpr[REG_RDI], bad;
    uint8_t code;
    while (count < limit) {
        CTX->probe_size = w;
        CTX->probe_write = 0;
        if (d->features & DBT_SHADOW) {
            if (compare && !access_allowed(d, from, w, gpr[REG_RSP], &bad, &code))
                return leave_bad(s, gpr, *flags, bad, code, false);
            if (!access_allowed(d, to, w, gpr[REG_RSP], &bad, &code))
                return leave_bad(s, gpr, *flags, bad, code, false);
        }
        CTX->probe_size = 0;
        uint64_t x = compare ? load(from, w) : gpr[REG_RAX], y = load(to, w);
        f = compare_flags(x, y, w);
        from += step;
        to += step;
        count++;
        if ((s->rep == 0xF3 && !(f & 0x40)) || (s->rep == 0xF2 && (f & 0x40)))
            break;
    }
    struct span a = span_of(gpr[REG_RSI], count, w, down),
                b = span_of(gpr[REG_RDI], count, w, down);
    if (shared_stop(d, s, gpr, *flags, compare ? &a : NULL, &b))
        return true;
    if (compare)
        gpr[REG_RSI] = from;
    gpr[REG_RDI] = to;
    if (s->rep)
        gpr[REG_RCX] -= count;
    *flags = f;
    return false;
}

bool emulate_string(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t *flags)
{
    bool down = CTX->df != 0;
    unsigned w = s->width;
    uint64_t count = s->rep ? gpr[REG_RCX] : 1;
    if (count == 0)
        return false;
    if (s->action == ACT_CMPS || s->action == ACT_SCAS)
        return scan(d, s, gpr, flags, count, down);
    if (count > UINT64_C(1) << 47)
        count = UINT64_C(1) << 47; /* faults or is refused long before */
    struct span from = span_of(gpr[REG_RSI], count, w, down),
                to = span_of(gpr[REG_RDI], count, w, down);
    bool reads = s->action != ACT_STOS, writes = s->action != ACT_LODS;
    if (spans_refused(d, s, gpr, *flags, reads ? &from : NULL, writes ? &to : NULL, down))
        return true;
    uint64_t moved = count * w;
    if (s->action == ACT_LODS)
        set_width(&gpr[REG_RAX], load(down ? from.start : from.start + from.bytes - w, w), w);
    else
        run_host(s->action, w, gpr[REG_RDI], gpr[REG_RSI], count, gpr[REG_RAX], down);
    if (reads)
        gpr[REG_RSI] += down ? 0 - moved : moved;
    if (writes)
        gpr[REG_RDI] += down ? 0 - moved : moved;
    if (s->rep)
        gpr[REG_RCX] = 0;
    return false;
}
