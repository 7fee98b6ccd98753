/*
 * Store buffers, for --tso: on x86 a processor's stores become visible to others later than to itself, in their order
 * (Sewell, Sarkar, Owens, Nardelli and Myreen, "x86-TSO", CACM 2010). A driver's store to a shared location
 * goes into its processor's buffer; that it reaches memory is a step of an agent of its own (AGENT_STORE + processor), which
 * the explorer schedules like any other. The processor's own loads see its buffer. Locked instructions, XCHG with
 * memory, MFENCE and CPUID wait until it is empty, and so does everything that the kernel does for the processor: its
 * locks are locked instructions, and interrupts and returns from them serialise.
 *
 * Memory always holds what everybody sees. For the one instruction that accesses a shared location, the processor's own
 * stores are laid over it and taken away again.
 *
 * Buffers hold STORE_LIMIT stores; when one is full, the oldest store becomes visible with the next one. That is a
 * bound on what is explored, and named in the claim. Locations that only one processor touches need no buffer.
 */
#include <string.h>

#include "machine/internal.h"

struct store {
    gva_t address, pc;
    uint32_t size, reserved;
    uint8_t bytes[STORE_BYTES];
};

struct stores {
    uint32_t count, reserved;
    struct store entry[STORE_LIMIT];
};
_Static_assert(sizeof(struct stores) <= RUN_STORES_STRIDE, "fits its place");

static struct stores *stores_of(unsigned cpu)
{
    return arena_host(RUN_STORES_BASE + cpu * RUN_STORES_STRIDE);
}

static void mark(unsigned cpu)
{
    arena_mark(RUN_STORES_BASE + cpu * RUN_STORES_STRIDE, sizeof(struct stores));
}

bool store_waits(unsigned cpu)
{
    return cpu < STORE_CPUS && stores_of(cpu)->count > 0;
}

unsigned machine_stores(const struct machine *m, unsigned cpu, struct machine_store out[MACHINE_STORES])
{
    _Static_assert(MACHINE_STORES == STORE_LIMIT && MACHINE_STORE_BYTES == STORE_BYTES, "as large as a buffer");
    if (!m->tso || !store_waits(cpu))
        return 0;
    const struct stores *s = stores_of(cpu);
    for (unsigned i = 0; i < s->count; i++) {
        out[i] = (struct machine_store){s->entry[i].address, s->entry[i].pc, s->entry[i].size, {0}};
        memcpy(out[i].bytes, s->entry[i].bytes, out[i].size);
    }
    return s->count;
}

/* The oldest store reaches memory. */
void store_commit(struct machine *m, unsigned cpu)
{
    struct stores *s = stores_of(cpu);
    RD_ASSERT(s->count > 0);
    struct store e = s->entry[0];
    memmove(s->entry, s->entry + 1, --s->count * sizeof e);
    mark(cpu);
    share_note(m, FOOTPRINT_STORE | cpu, true);
    share_touch_range(m, e.address, e.size, true);
    m->touched_shared = true;
    /* Memory that went away in the meantime takes nothing; that the store came before is all that counts. */
    if (arena_valid(e.address, e.size))
        arena_write(e.address, e.bytes, e.size);
    machine_emit(m, EVENT_STORE, cpu, 0, e.pc, e.address, e.size, s->count);
}

void store_drain(struct machine *m, unsigned cpu)
{
    while (store_waits(cpu))
        store_commit(m, cpu);
}

static void exchange(struct store *e)
{
    uint8_t was[STORE_BYTES];
    memcpy(was, arena_host(e->address), e->size);
    arena_write(e->address, e->bytes, e->size);
    memcpy(e->bytes, was, e->size);
}

static bool overlaps(const struct store *e, gva_t a, uint32_t n)
{
    return e->address < a + n && a < e->address + e->size;
}

/* The instruction, which accesses memory, is locked or an XCHG. Prefixes are in any order, REX comes last. */
static bool locked(gva_t rip)
{
    for (unsigned i = 0; i < 15; i++) {
        uint8_t b;
        if (!arena_read(rip + i, &b, 1))
            return false;
        if (b == 0xF0)
            return true;
        if (b != 0x66 && b != 0x67 && b != 0xF2 && b != 0xF3 && b != 0x2E && b != 0x36 && b != 0x3E && b != 0x26 &&
            b != 0x64 && b != 0x65 && (b & 0xF0) != 0x40)
            return b == 0x86 || b == 0x87;
    }
    return false;
}

/* The access at [address, address + size) by the one instruction at the processor's rip. */
struct dbt_exit store_access(struct machine *m, unsigned cpu, gva_t address, uint32_t size, bool write)
{
    struct stores *s = stores_of(cpu);
    struct vcpu *c = &run_cpu(cpu)->cpu;
    struct store own[STORE_LIMIT], now = {.address = address, .pc = c->regs.rip, .size = size};
    uint8_t was[STORE_BYTES];
    unsigned laid = 0;
    if (cpu >= STORE_CPUS || size > STORE_BYTES || !arena_valid(address, size) || locked(c->regs.rip)) {
        store_drain(m, cpu);
        share_access(m, address, size, write, CODE_KERNEL);
        return dbt_run_one(m->dbt, c);
    }
    if (write && s->count == STORE_LIMIT)
        store_commit(m, cpu);
    share_access(m, address, size, false, CODE_KERNEL);
    for (uint32_t i = 0; i < s->count; i++)
        if (overlaps(&s->entry[i], address, size) && arena_valid(s->entry[i].address, s->entry[i].size)) {
            own[laid] = s->entry[i];
            exchange(&own[laid++]);
        }
    memcpy(was, arena_host(address), size);
    struct dbt_exit x = dbt_run_one(m->dbt, c);
    if (write && (x.reason == DBT_ONE || x.reason == DBT_INTERRUPT)) {
        memcpy(now.bytes, arena_host(address), size);
        arena_write(address, was, size);
        share_note(m, FOOTPRINT_STORE | cpu, true);
        s->entry[s->count++] = now;
        mark(cpu);
    }
    while (laid > 0)
        exchange(&own[--laid]);
    return x;
}
