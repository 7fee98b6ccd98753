/*
 * Looking for places in an execution. Backwards means forwards through the part between two checkpoints, once for each part, and
 * the latest place in it.
 *
 * To look at every instruction costs a hundred times what the translator's code costs. A search for writes knows better: memory
 * pages have dirty bytes, so a first pass at full speed tells in which few thousand instructions the pages were written, and
 * only those are looked at one by one. Snapshots live on the same bytes: what a search clears it puts back before the next one
 * is taken or restored.
 */
#include <stdlib.h>

#include "debug/timeline_internal.h"
#include "machine/arena.h"

#define GRAIN 8192u      /* instructions between two looks at the dirty bytes */
#define STRETCH 1000000u /* that a search forwards walks twice */
#define PAGES_MAX 64u
#define PAGE 4096u

/* A part of the execution in grains. */
struct grains {
    struct timeline_position *at; /* count + 1 of them */
    bool *written;
    size_t count;
    bool any;
};

/* False: too many pages; then each instruction is looked at. */
static bool watch_pages(struct timeline *t, const struct timeline_search *s)
{
    vec_clear(&t->watched);
    t->seen_written = false;
    for (unsigned i = 0; i < s->written_count; i++) {
        gva_t first = s->written[i].address / PAGE, last = (s->written[i].address + s->written[i].size - 1) / PAGE;
        if (last - first >= PAGES_MAX || t->watched.count + (last - first) >= PAGES_MAX) {
            vec_clear(&t->watched);
            return false;
        }
        for (gva_t p = first; p <= last; p++)
            if (arena_contains(p * PAGE, 1))
                vec_push(&t->watched, (struct watched_page){arena_dirty(p * PAGE), 0});
    }
    return s->written_count > 0;
}

/* Whether a watched page has been written since the latest call. */
static bool take_marks(struct timeline *t)
{
    bool any = t->seen_written;
    t->seen_written = false;
    for (size_t i = 0; i < t->watched.count; i++) {
        struct watched_page *p = &t->watched.data[i];
        any |= *p->dirty != 0;
        p->kept |= *p->dirty;
        *p->dirty = 0;
    }
    return any;
}

/* At full speed from `from` to `to`. */
static struct grains walk_grains(struct timeline *t, struct timeline_position from, struct timeline_position to)
{
    uint64_t begin = timeline_instructions(t, from), end = timeline_instructions(t, to);
    size_t count = (size_t)((end - begin) / GRAIN) + 1;
    struct grains g = {calloc(count + 1, sizeof *g.at), calloc(count, 1), 0, false};
    RD_ASSERT(g.at != NULL && g.written != NULL);
    g.at[0] = from;
    for (size_t i = 1; i < count; i++) {
        struct timeline_position p = timeline_find(t, begin + i * GRAIN);
        if (timeline_compare(p, g.at[g.count]) > 0 && timeline_compare(p, to) < 0)
            g.at[++g.count] = p;
    }
    g.at[++g.count] = to;
    timeline_goto(t, from);
    take_marks(t);
    for (size_t i = 0; i < g.count; i++) {
        timeline_goto(t, g.at[i + 1]);
        g.written[i] = take_marks(t);
        g.any |= g.written[i];
    }
    return g;
}

static void free_grains(struct grains *g)
{
    free(g->at);
    free(g->written);
}

/* From the present position to `to`. True: the search has arrived. */
static bool scan(struct timeline *t, struct timeline_position to, const struct timeline_search *s, bool each, bool first)
{
    struct timeline_search now = *s;
    now.each = each;
    if (each && s->begin != NULL)
        s->begin(s->context);
    if (timeline_walk(t, to, &now, first))
        return true;
    return each && s->end != NULL && s->end(s->context, timeline_now(t));
}

/* The grains from number `from` up to `to`, one by one where they were written. */
static bool scan_grains(struct timeline *t, const struct grains *g, size_t from, size_t to, const struct timeline_search *s,
                        bool first)
{
    while (from < to) {
        size_t next = from + 1;
        while (next < to && g->written[next] == g->written[from])
            next++;
        if (!g->written[from] && s->stop_count == 0)
            timeline_goto(t, g->at[next]);
        else if (scan(t, g->at[next], s, g->written[from], first))
            return true;
        first = true;
        from = next;
    }
    return false;
}

static bool forward_by_marks(struct timeline *t, const struct timeline_search *s)
{
    for (bool first = false; !timeline_at_end(t); first = true) {
        struct timeline_position from = timeline_now(t);
        struct timeline_position to = timeline_find(t, timeline_instructions(t, from) + STRETCH);
        if (timeline_compare(to, from) <= 0)
            to = timeline_end(t);
        struct grains g = walk_grains(t, from, to);
        bool found = false;
        if (g.any || s->stop_count > 0) {
            timeline_goto(t, from);
            found = scan_grains(t, &g, 0, g.count, s, first);
        }
        free_grains(&g);
        if (found)
            return true;
    }
    return false;
}

bool timeline_forward(struct timeline *t, const struct timeline_search *s)
{
    bool marks = watch_pages(t, s);
    bool found = marks ? forward_by_marks(t, s) : scan(t, timeline_end(t), s, s->each, false);
    timeline_marks_back(t);
    vec_clear(&t->watched);
    return found;
}

/* --- backwards ------------------------------------------------------------------------------- */

struct latest {
    const struct timeline_search *inner;
    struct timeline_position limit, found;
    bool any;
};

static void take_place(struct latest *l, struct timeline_position at)
{
    l->found = l->inner->place != NULL ? *l->inner->place : at;
    l->any = true;
}

static bool remember(void *context, unsigned cpu, struct timeline_position at)
{
    struct latest *l = context;
    if (timeline_compare(at, l->limit) < 0 && l->inner->hit(l->inner->context, cpu, at))
        take_place(l, at);
    return false;
}

static void remember_begin(void *context)
{
    struct latest *l = context;
    l->inner->begin(l->inner->context);
}

static bool remember_end(void *context, struct timeline_position at)
{
    struct latest *l = context;
    if (l->inner->end(l->inner->context, at))
        take_place(l, at);
    return false;
}

/* The part in front of the limit: first where the pages were written last, mostly that is the place. */
static void back_by_marks(struct timeline *t, struct timeline_position begin, const struct timeline_search *s, struct latest *l)
{
    struct grains g = walk_grains(t, begin, l->limit);
    size_t last = g.count;
    while (last > 0 && !g.written[last - 1])
        last--;
    if (s->stop_count > 0 && last < g.count) {
        timeline_goto(t, g.at[last]);
        scan_grains(t, &g, last, g.count, s, true);
    }
    if (!l->any && last > 0) {
        timeline_goto(t, g.at[last - 1]);
        scan_grains(t, &g, last - 1, last, s, true);
    }
    if (!l->any && last > 1 && (g.any || s->stop_count > 0)) {
        timeline_goto(t, begin);
        scan_grains(t, &g, 0, last - 1, s, true);
    }
    free_grains(&g);
}

bool timeline_backward(struct timeline *t, const struct timeline_search *s)
{
    struct latest l = {.inner = s, .limit = timeline_now(t)};
    struct timeline_search search = *s;
    bool marks = watch_pages(t, s), more = true;
    search.hit = remember;
    search.context = &l;
    search.begin = s->begin != NULL ? remember_begin : NULL;
    search.end = s->end != NULL ? remember_end : NULL;
    while (more && !l.any) {
        uint64_t step = l.limit.n > 0 ? l.limit.step : l.limit.step - (l.limit.step > 0);
        timeline_rewind(t, step);
        struct timeline_position begin = timeline_now(t);
        if (marks)
            back_by_marks(t, begin, &search, &l);
        else
            scan(t, l.limit, &search, s->each, true);
        more = begin.step > 0;
        if (!l.any)
            l.limit = begin;
    }
    timeline_marks_back(t);
    vec_clear(&t->watched);
    timeline_goto(t, l.any ? l.found : (struct timeline_position){0, 0});
    return l.any;
}
