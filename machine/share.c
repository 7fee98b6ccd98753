/*
 * Share cells and footprints: which locations do two agents use, one of them writing, and which of those
 * did this step touch? The fast path is generated code (an agent's own cells never come here). Cells only
 * ever move towards "shared", so a location is treated the same way in every execution that follows.
 *
 * A location first found to be shared in the middle of an execution stays without effect until the next
 * one: a schedule then means the same thing from its first step to its last, and a replay needs only the
 * set of shared locations that the execution began with.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine/internal.h"

/* Distinct shared granules that one step may touch (512 KiB), and granules it may newly find. */
#define STEP_LIMIT 65536u

__attribute__((target("general-regs-only"))) static uint32_t seen_slot(const struct machine *m, uint64_t key)
{
    return (uint32_t)((key * 0x9E3779B97F4A7C15ull) >> 40) & m->seen_mask;
}

__attribute__((target("general-regs-only"))) static void note(struct machine *m, uint64_t key, unsigned access)
{
    uint32_t at = seen_slot(m, key);
    while (m->seen_table[at] != 0) {
        struct footprint_entry *f = &m->footprint.data[m->seen_table[at] - 1];
        if (f->key == key) {
            f->access |= (uint8_t)access;
            return;
        }
        at = (at + 1) & m->seen_mask;
    }
    /* Room was made when the step began: growing here could clobber the guest's vector registers. */
    RD_ASSERT(m->footprint.count < STEP_LIMIT);
    m->footprint.data[m->footprint.count].key = key;
    m->footprint.data[m->footprint.count].access = (uint8_t)access;
    m->seen_table[at] = (uint32_t)++m->footprint.count;
}

void share_note(struct machine *m, uint64_t key, bool write)
{
    note(m, key, write ? ACCESS_WRITE : ACCESS_READ);
}

void share_begin_step(struct machine *m)
{
    if (m->seen_table == NULL) {
        m->seen_mask = STEP_LIMIT * 2 - 1;
        m->seen_table = calloc(STEP_LIMIT * 2, sizeof *m->seen_table);
        RD_ASSERT(m->seen_table != NULL);
        vec_reserve(&m->footprint, STEP_LIMIT);
    }
    vec_reserve(&m->pending, m->pending.count + STEP_LIMIT);
    m->footprint.count = 0;
    m->touched_shared = false;
}

static int by_key(const void *a, const void *b)
{
    const struct footprint_entry *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* Most steps touch a handful of keys. */
static void sort_footprint(struct footprint_entry *f, size_t count)
{
    if (count > 24) {
        qsort(f, count, sizeof *f, by_key);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct footprint_entry e = f[i];
        size_t j = i;
        for (; j > 0 && f[j - 1].key > e.key; j--)
            f[j] = f[j - 1];
        f[j] = e;
    }
}

void share_finish_step(struct machine *m)
{
    /* Empty the look-up table before sorting moves what its indices point to. Keys were inserted by
     * linear probing, so clearing the chain from each key's home slot clears everything. */
    for (size_t i = 0; i < m->footprint.count; i++) {
        uint32_t at = seen_slot(m, m->footprint.data[i].key);
        while (m->seen_table[at] != 0) {
            m->seen_table[at] = 0;
            at = (at + 1) & m->seen_mask;
        }
    }
    sort_footprint(m->footprint.data, m->footprint.count);
}

__attribute__((target("general-regs-only"))) static void now_shared(struct machine *m, gva_t granule,
                                                                    uint8_t *cell)
{
    *cell = SHARE_PENDING;
    RD_ASSERT(m->pending.count < m->pending.capacity);
    m->pending.data[m->pending.count++] = granule >> 3;
}

__attribute__((target("general-regs-only"))) static bool enter(struct machine *m, gva_t address, uint32_t size,
                                                                unsigned access, enum code_class class)
{
    if (!m->sharing)
        return false;
    bool stop = false, write = access != ACCESS_READ, counts = access == ACCESS_COUNT;
    uint8_t mine = (uint8_t)(m->agent + 1);
    for (gva_t g = address & ~7ull; g < address + size; g += 8) {
        uint8_t *cell = arena_share(g);
        uint8_t c = *cell;
        if (c == SHARE_SHARED) {
            stop = true;
            if (class != CODE_DRIVER) { /* a driver's is entered when its instruction runs */
                note(m, (uint64_t)((int64_t)g >> 3), access);
                m->touched_shared = true;
            }
        } else if (c == SHARE_UNTOUCHED) {
            *cell = counts ? SHARE_COUNTED : write ? (uint8_t)(mine | SHARE_WRITTEN) : mine;
        } else if (c == SHARE_PENDING) {
            continue;
        } else if (c == SHARE_COUNTED) {
            if (!counts)
                now_shared(m, g, cell);
        } else if (c == SHARE_READ_MANY) {
            if (write)
                now_shared(m, g, cell);
        } else if ((c & (uint8_t)~SHARE_WRITTEN) == mine) {
            if (write)
                *cell = (uint8_t)(mine | SHARE_WRITTEN);
        } else if (write || (c & SHARE_WRITTEN)) {
            now_shared(m, g, cell);
        } else {
            *cell = SHARE_READ_MANY;
        }
    }
    return stop && class == CODE_DRIVER;
}

/* The slow path of generated code, and of accesses that the machine makes for the guest. */
__attribute__((target("general-regs-only"))) bool share_access(void *context, gva_t address, uint32_t size,
                                                               bool write, enum code_class class)
{
    return enter(context, address, size, write ? ACCESS_WRITE : ACCESS_READ, class);
}

void share_enter(struct machine *m, gva_t address, uint64_t bytes, unsigned access)
{
    if (bytes > 0)
        enter(m, address, (uint32_t)bytes, access, CODE_KERNEL);
}

void share_touch_range(struct machine *m, gva_t address, uint64_t bytes, bool write)
{
    share_enter(m, address, bytes, write ? ACCESS_WRITE : ACCESS_READ);
}

/* The host's fresh pages are zero, and cost something only where cells are used. */
_Static_assert(SHARE_UNTOUCHED == 0, "a fresh page is cells that nobody has touched");
void share_clear_cells(void)
{
    for (unsigned i = 0; i < ARENA_RANGES; i++)
        RD_ASSERT(madvise(arena_share(arena_ranges[i].base), arena_ranges[i].size / 8, MADV_DONTNEED) == 0);
}

void machine_apply_features(struct machine *m)
{
    dbt_set_features(m->dbt, m->config.checks | (m->sharing ? DBT_SHARE | DBT_SHARE_STACK : 0) |
                                 (m->frames ? DBT_FRAMES : 0) | (m->tso ? DBT_FENCES : 0));
}

void machine_set_sharing(struct machine *m, bool on)
{
    if (m->sharing == on)
        return;
    m->sharing = on;
    machine_apply_features(m);
}

bool machine_told_apart(const struct machine *m)
{
    return m->told_apart;
}

bool machine_sharing_grew(const struct machine *m)
{
    return m->pending.count > 0;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void machine_share_add(struct machine *m, const uint64_t *granules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gva_t a = granules[i] << 3;
        if (!arena_contains(a, 8) || *arena_share(a) == SHARE_SHARED)
            continue;
        *arena_share(a) = SHARE_SHARED;
        vec_push(&m->shared, granules[i]);
    }
    if (m->shared.count > 1)
        qsort(m->shared.data, m->shared.count, sizeof *m->shared.data, by_value);
}

void machine_share_reset(struct machine *m, const uint64_t *granules, size_t count)
{
    share_clear_cells();
    vec_clear(&m->pending);
    vec_clear(&m->shared);
    machine_share_add(m, granules, count);
}

void machine_begin_execution(struct machine *m)
{
    machine_share_add(m, m->pending.data, m->pending.count);
    vec_clear(&m->pending);
}

static size_t copied(const uint64_t *granules, size_t count, uint64_t **out)
{
    uint64_t *copy = malloc(count * sizeof *copy + 1);
    RD_ASSERT(copy != NULL);
    if (count > 0)
        memcpy(copy, granules, count * sizeof *copy);
    *out = copy;
    return count;
}

size_t machine_share_found(const struct machine *m, uint64_t **granules_out)
{
    return copied(m->pending.data, m->pending.count, granules_out);
}

size_t machine_share_list(const struct machine *m, uint64_t **granules_out)
{
    return copied(m->shared.data, m->shared.count, granules_out);
}
