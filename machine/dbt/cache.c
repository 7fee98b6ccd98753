/*
 * What has been translated: look-up by guest address, links between blocks, the inline tables of
 * indirect branches, and forgetting. Code bytes are only ever appended; a dropped block stays where it
 * is, unreachable, until the cache is flushed because it is full or because the features changed. The
 * cache therefore survives snapshots and restores: blocks depend on code bytes and ranges alone, and
 * whoever changes those says so through dbt_invalidate.
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

uint8_t unit_of(struct dbt *d, const struct code_range *range)
{
    uint32_t key = (range->image << 1 | (range->class == CODE_DRIVER)) + 1;
    for (unsigned u = 0; u < TABLE_COUNT; u++) {
        if (d->units[u] == key)
            return (uint8_t)u;
        if (!d->units[u]) {
            d->units[u] = key;
            return (uint8_t)u;
        }
    }
    cache_flush(d); /* image numbers grow without bound over a long run; the units in use do not */
    d->units[0] = key;
    return 0;
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
    memset(d->units, 0, sizeof d->units);
}

void cache_flush(struct dbt *d)
{
    for (size_t n = 1; n < d->blocks.count; n++)
        table_remove(&d->blocks.data[n]);
    reset(d);
    liveness_flush();
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
    liveness_flush();
}

/* --- coverage ------------------------------------------------------------------------------------ */

/* A block is translated when control first reaches it, so what was translated was executed: coverage
 * costs nothing while running. */
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

/* --- life ---------------------------------------------------------------------------------------- */

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
    if (!map_at(CTX_BASE, (sizeof(struct dbt_context) + 4095) & ~4095ull, PROT_READ | PROT_WRITE, e))
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

struct dbt_stats dbt_stats(const struct dbt *d)
{
    return d->stats;
}
