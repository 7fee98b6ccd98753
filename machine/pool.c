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

bool machine_pool_block(const struct machine *m, gva_t a, struct machine_pool_block *out)
{
    (void)m;
    const struct run *r = run_state();
    for (uint32_t i = r->pool_count; i-- > 0;) {
        const struct run_pool *p = run_pool(i);
        if (a - (p->address - POOL_ZONE) >= ((p->bytes + 7) & ~7ull) + 2 * POOL_ZONE)
            continue;
        *out = (struct machine_pool_block){p->address, p->bytes, p->tag, p->freed != 0, p->cpu_allocated,
                                           p->cpu_freed, p->allocated_by, p->freed_by};
        return true;
    }
    return false;
}
