/*
 * What has been translated: look-up by guest address, links between blocks, the inline tables of
 * indirect branches, and forgetting. Code bytes are only ever appended; a dropped block stays where
 * it is, unreachable, until the cache is flushed because it is full or because the features
 * changed. The cache therefore survives snapshots and restores: blocks depend on code bytes and
 * ranges alone, and whoever changes those says so through dbt_invalidate.
 */
#include "machine/dbt/emit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct dbt *dbt_self;

struct table_entry {
    uint64_t negated; /* 0 - the guest address, see branch.c */
    uint8_t *entry;
};

static struct table_entry *table(unsigned unit)
{
    return (struct table_entry *)(uintptr_t)(TABLE_BASE + unit * TABLE_SIZE);
}

static uint32_t hash_of(gva_t pc, uint8_t variant)
{
    return (uint32_t)((pc * 4 + variant) * 0x9E3779B97F4A7C15ull >> (64 - HASH_BITS));
}

uint32_t block_find(struct dbt *d, gva_t pc, uint8_t variant)
{
    for (uint32_t n = d->hash[hash_of(pc, variant)]; n; n = d->blocks.data[n].hash_next)
        if (d->blocks.data[n].pc == pc && d->blocks.data[n].variant == variant)
            return n;
    return 0;
}

void block_insert(struct dbt *d, uint32_t number)
{
    struct block *b = &d->blocks.data[number];
    uint32_t h = hash_of(b->pc, b->variant);
    b->hash_next = d->hash[h];
    d->hash[h] = number;
}

void block_link(struct dbt *d, uint32_t site, uint32_t block)
{
    struct site *s = &d->sites.data[site];
    struct block *b = &d->blocks.data[block];
    patch_branch(s->resume, b->entry);
    s->next = b->incoming;
    b->incoming = site;
}

void table_insert(struct dbt *d, uint32_t number)
{
    struct block *b = &d->blocks.data[number];
    struct table_entry *e = &table(b->unit)[b->pc & (TABLE_ENTRIES - 1)];
    e->negated = 0 - b->pc;
    e->entry = b->indirect_entry;
    b->in_table = true;
}

static void table_remove(struct block *b)
{
    unsigned index = (unsigned)(b->pc & (TABLE_ENTRIES - 1));
    struct table_entry *e = &table(b->unit)[index];
    if (b->in_table && e->negated == 0 - b->pc)
        e->negated = index == 0; /* an address that does not belong in this slot never matches */
    b->in_table = false;
}

static bool same_range(const struct unit_range *u, const struct code_range *r)
{
    return u->start == r->start && u->end == r->end && u->driver == (r->class == CODE_DRIVER) &&
           u->pageable == r->pageable;
}

/* Whether two ranges belong to one image, as things are now; that then holds for good. */
static bool joins(struct dbt *d, const struct unit_range *u, const struct code_range *r)
{
    struct code_range now = d->callbacks.code(d->context, u->start);
    return now.class != CODE_NONE && same_range(u, &now) && now.image == r->image &&
           u->driver == (r->class == CODE_DRIVER) && u->pageable == r->pageable;
}

bool unit_holds(struct dbt *d, uint8_t unit, gva_t target)
{
    struct code_range r = d->callbacks.code(d->context, target);
    if (r.class == CODE_NONE || target < r.start || target >= r.end)
        return false;
    for (size_t k = 0; k < d->ranges.count; k++)
        if (same_range(&d->ranges.data[k], &r))
            return d->ranges.data[k].unit == unit;
    for (size_t k = 0; k < d->ranges.count; k++)
        if (d->ranges.data[k].unit == unit && joins(d, &d->ranges.data[k], &r))
            return true;
    return false;
}

uint8_t unit_of(struct dbt *d, const struct code_range *r)
{
    bool used[TABLE_COUNT] = {false};
    for (size_t k = 0; k < d->ranges.count; k++) {
        if (same_range(&d->ranges.data[k], r))
            return d->ranges.data[k].unit;
        used[d->ranges.data[k].unit] = true;
    }
    unsigned unit = 0;
    size_t k = 0;
    while (k < d->ranges.count && !joins(d, &d->ranges.data[k], r))
        k++;
    if (k < d->ranges.count) {
        unit = d->ranges.data[k].unit;
    } else {
        while (unit < TABLE_COUNT && used[unit])
            unit++;
        if (unit == TABLE_COUNT) {
            cache_flush(d);
            unit = 0;
        }
    }
    struct unit_range u = {r->start, r->end, (uint8_t)unit, r->class == CODE_DRIVER, r->pageable};
    vec_push(&d->ranges, u);
    return u.unit;
}

static void reset(struct dbt *d)
{
    d->hot = (uint8_t *)CODE_BASE;
    d->cold = (uint8_t *)CODE_BASE + COLD_OFFSET;
    vec_clear(&d->blocks);
    vec_clear(&d->sites);
    vec_clear(&d->hot_faults);
    vec_clear(&d->cold_faults);
    vec_push(&d->blocks, (struct block){.dead = true});
    vec_push(&d->sites, (struct site){.kind = SITE_FAULT});
    memset(d->hash, 0, sizeof d->hash);
    vec_clear(&d->ranges);
}

void cache_flush(struct dbt *d)
{
    for (size_t n = 1; n < d->blocks.count; n++)
        table_remove(&d->blocks.data[n]);
    reset(d);
    d->flushes++;
}

static void drop(struct dbt *d, uint32_t number)
{
    struct block *b = &d->blocks.data[number];
    for (uint32_t s = b->incoming; s; s = d->sites.data[s].next)
        patch_branch(d->sites.data[s].resume, d->sites.data[s].stub);
    b->incoming = 0;
    table_remove(b);
    uint32_t *link = &d->hash[hash_of(b->pc, b->variant)];
    while (*link != number)
        link = &d->blocks.data[*link].hash_next;
    *link = b->hash_next;
    b->dead = true;
}

void dbt_invalidate(struct dbt *d, gva_t start, gva_t end)
{
    for (size_t n = 1; n < d->blocks.count; n++) {
        struct block *b = &d->blocks.data[n];
        if (!b->dead && b->pc < end && b->end > start)
            drop(d, (uint32_t)n);
    }
    size_t kept = 0;
    for (size_t k = 0; k < d->ranges.count; k++) {
        const struct unit_range *r = &d->ranges.data[k];
        if (r->start < start || r->end > end) /* a range with living blocks keeps its unit */
            d->ranges.data[kept++] = *r;
    }
    d->ranges.count = kept;
    decode_forget();
}

/* --- coverage ------------------------------------------------------------------------------------
 */

/* A block is translated when control first reaches it, so what was translated was executed:
 * coverage costs nothing while running. */
void coverage_note(struct dbt *d, gva_t pc)
{
    vec_push(&d->covered, pc);
    d->covered_dirty = true;
}

static int compare_addresses(const void *x, const void *y)
{
    gva_t a = *(const gva_t *)x, b = *(const gva_t *)y;
    return (a > b) - (a < b);
}

uint64_t dbt_coverage(const struct dbt *constant, gva_t start, gva_t end)
{
    struct dbt *d = (struct dbt *)(uintptr_t)constant; /* sorts its own list: invisible outside */
    if (d->covered_dirty) {
        qsort(d->covered.data, d->covered.count, sizeof(gva_t), compare_addresses);
        size_t kept = 0;
        for (size_t k = 0; k < d->covered.count; k++)
            if (!kept || d->covered.data[kept - 1] != d->covered.data[k])
                d->covered.data[kept++] = d->covered.data[k];
        d->covered.count = kept;
        d->covered_dirty = false;
    }
    uint64_t n = 0;
    for (size_t k = 0; k < d->covered.count; k++)
        n += d->covered.data[k] >= start && d->covered.data[k] < end;
    return n;
}

/* --- life ----------------------------------------------------------------------------------------
 */

static bool map_at(uint64_t at, uint64_t size, int protection, struct error *e)
{
    void *p = mmap((void *)at, size, protection,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == (void *)at)
        return true;
    if (p != MAP_FAILED)
        munmap(p, size);
    return error_set(e, ERROR_INTERNAL, "translator: address %#llx (%llu bytes) is not free: %s",
                     (unsigned long long)at, (unsigned long long)size, strerror(errno));
}

struct dbt *dbt_create(const struct dbt_callbacks *callbacks, void *context, unsigned features,
                       struct error *e)
{
    RD_ASSERT(!dbt_self);
    if (!map_at(CTX_BASE, (sizeof(struct dbt_context) + 4095) & ~4095ull, PROT_READ | PROT_WRITE,
                e))
        return NULL;
    if (!map_at(TABLE_BASE, (uint64_t)TABLE_COUNT * TABLE_SIZE, PROT_READ | PROT_WRITE, e)) {
        munmap((void *)(uintptr_t)CTX_BASE, sizeof(struct dbt_context));
        return NULL;
    }
    if (!map_at(CODE_BASE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, e)) {
        munmap((void *)(uintptr_t)CTX_BASE, sizeof(struct dbt_context));
        munmap((void *)(uintptr_t)TABLE_BASE, (size_t)TABLE_COUNT * TABLE_SIZE);
        return NULL;
    }
    struct dbt *d = calloc(1, sizeof *d);
    RD_ASSERT(d);
    d->callbacks = *callbacks;
    d->context = context;
    d->features = features;
    for (unsigned u = 0; u < TABLE_COUNT; u++)
        table(u)[0].negated = 1;
    CTX->exit_stub = (uint64_t)dbt_exit_stub;
    CTX->helper_stub = (uint64_t)dbt_helper_stub;
    CTX->use_avx = __builtin_cpu_supports("avx") != 0;
    reset(d);
    decode_forget();
    dbt_self = d;
    if (!fault_install(e)) {
        dbt_destroy(d);
        return NULL;
    }
    return d;
}

void dbt_destroy(struct dbt *d)
{
    if (!d)
        return;
    fault_remove();
    munmap((void *)(uintptr_t)CTX_BASE, sizeof(struct dbt_context));
    munmap((void *)(uintptr_t)TABLE_BASE, (size_t)TABLE_COUNT * TABLE_SIZE);
    munmap((void *)CODE_BASE, CODE_SIZE);
    vec_free(&d->blocks);
    vec_free(&d->sites);
    vec_free(&d->hot_faults);
    vec_free(&d->cold_faults);
    vec_free(&d->covered);
    vec_free(&d->ranges);
    free(d);
    dbt_self = NULL;
}

void dbt_set_features(struct dbt *d, unsigned features)
{
    if (features == d->features)
        return;
    d->features = features;
    cache_flush(d);
}

void dbt_set_agent(struct dbt *d, uint8_t agent)
{
    (void)d;
    RD_ASSERT(agent >= 1 && agent <= RD_MAX_CPUS);
    CTX->agent_read = agent * 0x01010101u;
    CTX->agent_write = (agent | SHARE_WRITTEN) * 0x01010101u;
}

void dbt_set_stores(struct dbt *d, bool waiting)
{
    (void)d;
    CTX->stores = waiting;
}

struct dbt_stats dbt_stats(const struct dbt *d)
{
    return d->stats;
}
