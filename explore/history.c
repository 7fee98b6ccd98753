/* Happens-before over the steps of one execution: see history.h. Appending and removing are
 * symmetric, so that a depth-first search pays only for the suffix that it changes. */
#include "explore/history.h"

#include <stdlib.h>
#include <string.h>

void history_open(struct history *h)
{
    memset(h, 0, sizeof *h);
    for (unsigned i = 0; i < 64; i++) {
        h->slot_of[i] = NO_AGENT;
        h->latest[i] = HISTORY_NONE;
    }
}

void history_clear(struct history *h)
{
    while (h->events.count > 0) {
        struct footprint f = history_remove(h);
        footprint_free(&f);
    }
    for (size_t i = 0; i < h->list_capacity; i++)
        vec_free(&h->lists[i].accesses);
    free(h->lists);
    vec_free(&h->events);
    vec_free(&h->clocks);
    vec_free(&h->races);
    vec_free(&h->candidates);
    history_open(h);
}

static size_t hash_key(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15ull;
    return (size_t)(key ^ (key >> 29));
}

/* A list that has a capacity is in use: its first access gave it one. */
static struct access_list *probe(struct access_list *lists, size_t capacity, uint64_t key)
{
    size_t i = hash_key(key) & (capacity - 1);
    while (lists[i].accesses.capacity != 0 && lists[i].key != key)
        i = (i + 1) & (capacity - 1);
    return &lists[i];
}

static void grow_lists(struct history *h)
{
    size_t capacity = h->list_capacity == 0 ? 256 : h->list_capacity * 2;
    struct access_list *lists = calloc(capacity, sizeof *lists);
    RD_ASSERT(lists != NULL);
    for (size_t i = 0; i < h->list_capacity; i++)
        if (h->lists[i].accesses.capacity != 0)
            *probe(lists, capacity, h->lists[i].key) = h->lists[i];
    free(h->lists);
    h->lists = lists;
    h->list_capacity = capacity;
}

static struct access_list *list_of(struct history *h, uint64_t key)
{
    if (h->list_count * 2 >= h->list_capacity)
        grow_lists(h);
    struct access_list *l = probe(h->lists, h->list_capacity, key);
    if (l->accesses.capacity == 0) {
        l->key = key;
        vec_reserve(&l->accesses, 4);
        h->list_count++;
    }
    return l;
}

/* Where the run of an access to the list begins that would be the next. */
static uint32_t run_of_next(const struct access_list *l, unsigned kind)
{
    size_t n = l->accesses.count;
    bool more = n > 0 && !access_conflict(l->accesses.data[n - 1].kind, kind);
    return more ? l->accesses.data[n - 1].run : (uint32_t)n;
}

/* Candidates for races with an access to the list: the run before its own. What is older happens before that. */
static void collect(struct history *h, const struct access_list *l, unsigned kind)
{
    uint32_t end = run_of_next(l, kind);
    for (uint32_t n = end; n > 0 && n > l->accesses.data[end - 1].run; n--)
        vec_push(&h->candidates, l->accesses.data[n - 1].event);
}

static int compare_descending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void sort_candidates(struct history *h)
{
    uint32_t *c = h->candidates.data;
    size_t n = h->candidates.count;
    if (n > 16) {
        qsort(c, n, sizeof *c, compare_descending);
        return;
    }
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && c[j - 1] < c[j]; j--) {
            uint32_t t = c[j];
            c[j] = c[j - 1];
            c[j - 1] = t;
        }
}

static void join(uint32_t *clock, const uint32_t *other, unsigned slots)
{
    for (unsigned i = 0; i < slots; i++)
        if (clock[i] < other[i])
            clock[i] = other[i];
}

void history_append(struct history *h, unsigned agent, struct footprint footprint, uint32_t enabler)
{
    if (h->slot_of[agent] == NO_AGENT) {
        h->slot_of[agent] = h->slots;
        h->agent_of[h->slots++] = agent;
    }
    uint32_t index = (uint32_t)h->events.count;
    uint32_t previous = h->latest[agent];
    struct event e = {agent, h->slot_of[agent], 1, previous, h->races.count, footprint};

    vec_reserve(&h->clocks, (size_t)(index + 1) * 64);
    uint32_t *clock = h->clocks.data + (size_t)index * 64;
    memset(clock, 0, 64 * sizeof *clock);
    if (previous != HISTORY_NONE) {
        e.local = h->events.data[previous].local + 1;
        join(clock, history_clock(h, previous), h->slots);
    }

    h->candidates.count = 0;
    if (enabler != HISTORY_NONE)
        vec_push(&h->candidates, enabler);
    for (unsigned i = 0; i < footprint.count; i++)
        collect(h, list_of(h, footprint.data[i].key), footprint.data[i].access);
    sort_candidates(h);
    /* Latest first: what lies between a candidate and this step has been joined before it is looked
     * at. */
    for (size_t i = 0; i < h->candidates.count; i++) {
        uint32_t c = h->candidates.data[i];
        const struct event *ce = &h->events.data[c];
        if (clock[ce->slot] >= ce->local)
            continue;
        vec_push(&h->races, c);
        join(clock, history_clock(h, c), h->slots);
    }
    clock[e.slot] = e.local;

    for (unsigned i = 0; i < footprint.count; i++) {
        struct access_list *l = list_of(h, footprint.data[i].key);
        uint8_t kind = footprint.data[i].access;
        uint32_t run = run_of_next(l, kind);
        vec_push(&l->accesses, (struct access){index, run, kind});
    }
    h->latest[agent] = index;
    vec_push(&h->events, e);
    h->clocks.count = h->events.count * 64;
}

struct footprint history_remove(struct history *h)
{
    struct event e = h->events.data[--h->events.count];
    h->clocks.count = h->events.count * 64;
    h->races.count = e.races;
    h->latest[e.agent] = e.previous;
    for (unsigned i = 0; i < e.footprint.count; i++) {
        struct access_list *l = list_of(h, e.footprint.data[i].key);
        RD_ASSERT(l->accesses.count > 0 &&
                  l->accesses.data[l->accesses.count - 1].event == h->events.count);
        l->accesses.count--;
    }
    return e.footprint;
}
