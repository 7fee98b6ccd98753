/*
 * Pool blocks as the machine sees them: the guest kernel decides addresses, the machine keeps the shadow and
 * a record of each block (who allocated it, who freed it), in the arena's private range so that it follows
 * snapshots. The record's index stands in the 16 bytes before the block, which the guest cannot touch.
 */
#include "abi/shadow.h"
#include "machine/internal.h"

#define POOL_ZONE 16u
#define POOL_MAGIC 0x4c4f4f50u /* "POOL" */

struct pool_tag {
    uint32_t magic, index;
    uint64_t reserved;
};

void pool_allocated(struct machine *m, unsigned cpu, gva_t a, uint64_t bytes, uint32_t tag, uint32_t type)
{
    struct run *r = run_state();
    if (r->pool_count == RUN_MAX_POOL || (a & 15) || !arena_contains(a - POOL_ZONE, bytes + 2 * POOL_ZONE)) {
        machine_fail(m, ERROR_INTERNAL, "pool block %#llx of %llu bytes: bad address or too many blocks",
                     (unsigned long long)a, (unsigned long long)bytes);
        return;
    }
    uint32_t index = r->pool_count++;
    mark_run();
    struct run_pool record = {.address = a,
                              .bytes = bytes,
                              .tag = tag,
                              .type = type,
                              .cpu_allocated = (uint16_t)cpu,
                              .allocated_by = run_cpu(cpu)->driver_call};
    arena_poke(RUN_POOL_BASE + (uint64_t)index * sizeof record, &record, sizeof record);
    struct pool_tag t = {POOL_MAGIC, index, 0};
    arena_poke(a - POOL_ZONE, &t, sizeof t);
    arena_set_shadow(a - POOL_ZONE, POOL_ZONE, RD_SHADOW_POOL_LEFT);
    arena_set_shadow(a, bytes, RD_SHADOW_VALID);
    gva_t end = (a + bytes + 7) & ~7ull;
    arena_set_shadow(end, POOL_ZONE, RD_SHADOW_POOL_RIGHT);
}

static struct run_pool *record_at(gva_t a)
{
    struct pool_tag t;
    if ((a & 15) || !arena_contains(a - POOL_ZONE, POOL_ZONE) || a - RD_POOL_BASE >= RD_POOL_SIZE)
        return NULL;
    t = *(const struct pool_tag *)arena_host(a - POOL_ZONE);
    if (t.magic != POOL_MAGIC || t.index >= run_state()->pool_count)
        return NULL;
    struct run_pool *p = run_pool(t.index);
    return p->address == a ? p : NULL;
}

uint64_t pool_freed(struct machine *m, unsigned cpu, gva_t a)
{
    struct run_pool *p = record_at(a);
    if (p == NULL)
        return 1;
    if (p->freed)
        return 2;
    /* Freeing is a write to all of the block: any other agent's use of it is in conflict. */
    share_touch_range(m, a, p->bytes, true);
    p->freed = 1;
    p->cpu_freed = (uint16_t)cpu;
    p->freed_by = run_cpu(cpu)->driver_call;
    arena_mark((gva_t)((uint64_t)p - RD_HOST_DELTA), sizeof *p);
    arena_set_shadow(a, (p->bytes + 7) & ~7ull, RD_SHADOW_POOL_FREED);
    frame_forget(a, p->bytes);
    return 0;
}

bool pool_own(gva_t a, uint64_t owner, gva_t caller, uint32_t flags)
{
    struct run_pool *p = record_at(a);
    if (p == NULL || p->freed)
        return false;
    p->owner = owner;
    p->allocated_by = caller;
    p->flags = flags;
    arena_mark((gva_t)((uint64_t)p - RD_HOST_DELTA), sizeof *p);
    if (!(flags & RD_POOL_TRIMMED))
        return true;
    arena_set_shadow(a, p->bytes & ~7ull, RD_SHADOW_PAGED_POOL);
    uint8_t tail = p->bytes & 7;
    if (tail != 0) { /* the zone behind the block is out of the guest's reach */
        gva_t last = a + (p->bytes & ~7ull);
        arena_set_shadow(last, 8, RD_SHADOW_PAGED_TAIL);
        arena_poke(last + 8, &tail, 1);
    }
    return true;
}

/* The latest record whose block or zones hold a. */
static const struct run_pool *record_around(gva_t a)
{
    for (uint32_t i = run_state()->pool_count; i-- > 0;) {
        const struct run_pool *p = run_pool(i);
        if (a - (p->address - POOL_ZONE) < ((p->bytes + 7) & ~7ull) + 2 * POOL_ZONE)
            return p;
    }
    return NULL;
}

static void fill_record(const struct run_pool *p, struct rd_pool_record *out)
{
    *out = (struct rd_pool_record){.address = p->address,
                                   .bytes = p->bytes,
                                   .owner = p->owner,
                                   .caller = p->allocated_by,
                                   .tag = p->tag,
                                   .type = p->type,
                                   .flags = p->flags,
                                   .freed = p->freed};
}

bool pool_query(gva_t a, struct rd_pool_record *out)
{
    const struct run_pool *p = record_around(a);
    if (p != NULL)
        fill_record(p, out);
    return p != NULL;
}

/* Whether code of the image that allocated the block freed it too. Such a free is ordered with an unload by the image's
 * lifetime; any other one is in conflict with looking at the block. */
static bool freed_at_home(const struct run_pool *p)
{
    return p->freed && image_index_at(p->allocated_by, false) == image_index_at(p->freed_by, false);
}

uint32_t pool_owned(struct machine *m, uint64_t owner, uint32_t index, struct rd_pool_record *out)
{
    for (uint32_t i = index; i < run_state()->pool_count; i++) {
        const struct run_pool *p = run_pool(i);
        if (p->owner != owner)
            continue;
        if (!freed_at_home(p))
            share_touch_range(m, p->address, 1, false);
        if (p->freed)
            continue;
        fill_record(p, out);
        return i + 1;
    }
    return 0;
}

static void fill_block(const struct run_pool *p, struct machine_pool_block *out)
{
    *out = (struct machine_pool_block){.address = p->address,
                                       .bytes = p->bytes,
                                       .tag = p->tag,
                                       .freed = p->freed != 0,
                                       .cpu_allocated = p->cpu_allocated,
                                       .cpu_freed = p->cpu_freed,
                                       .allocated_by = p->allocated_by,
                                       .freed_by = p->freed_by,
                                       .owner = p->owner,
                                       .type = p->type,
                                       .flags = p->flags};
}

unsigned machine_pool_count(const struct machine *m)
{
    (void)m;
    return run_state()->pool_count;
}

bool machine_pool_record(const struct machine *m, unsigned index, struct machine_pool_block *out)
{
    if (index >= machine_pool_count(m))
        return false;
    fill_block(run_pool(index), out);
    return true;
}

bool machine_pool_block(const struct machine *m, gva_t a, struct machine_pool_block *out)
{
    (void)m;
    const struct run_pool *p = record_around(a);
    if (p != NULL)
        fill_block(p, out);
    return p != NULL;
}
