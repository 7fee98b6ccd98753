/*
 * The races of an execution that has ended. Two steps race when they conflict and nothing orders them but that one came
 * first (explore/history.h). The reversed order is what does not depend on the earlier step, as long as the execution
 * is, and then the later step; it is begun at the state before the earlier step (node_insert).
 *
 * That order is taken from the whole execution: a step far behind the race can be what tells the new order apart from all
 * that begin with some agent explored already.
 *
 * Agents block. A race whose later step only became possible through the earlier one cannot be reversed, unless something
 * that is independent of the earlier step could enable it as well. A step that disables another agent conflicts with
 * that agent's unseen step.
 *
 * What a step touches depends on data. The later step is expected to touch without the earlier one what it touched behind
 * it. That may be wrong, but nothing is lost by it: of all explored agents whose steps a lost order would conflict with
 * in one and the same step, take the one that this step meets last. Up to there it does what it would do there, so it
 * conflicts with all the others as well, and none of them is taken for a weak initial of this reversed order.
 */
#include "explore/dpor.h"

#include <stdlib.h>

static void push_turn(struct dpor *d, uint32_t k, bool needed)
{
    const struct event *e = &d->history.events.data[k];
    vec_push(&d->order, (struct turn){e->agent, needed, &d->nodes.data[k].answers, &e->footprint});
}

/* The step comes without `early`: it lies behind it and does not depend on it. One that ends the run is none of those:
 * nothing could follow it. */
static bool independent(const struct dpor *d, uint32_t early, uint32_t k)
{
    return !history_before(&d->history, early, k) && !d->nodes.data[k].ended;
}

/* All of those, as an order without a guess. `later`: which of them it needs. */
static void collect_independent(struct dpor *d, uint32_t early, uint32_t later)
{
    const struct history *h = &d->history;
    d->order.count = 0;
    d->order.guess = NO_GUESS;
    for (uint32_t k = early + 1; k < h->events.count; k++)
        if (independent(d, early, k))
            push_turn(d, k, k < later && history_before(h, k, later));
}

/* The agent of `later` can come to that step when `early` is missing. */
static bool possible(const struct dpor *d, const struct node *n, uint32_t later)
{
    const struct event *le = &d->history.events.data[later];
    if (n->enabled & AGENT_BIT(le->agent))
        return true;
    for (size_t i = 0; i < d->order.count; i++)
        if (d->order.data[i].agent == le->agent || footprint_conflict(d->order.data[i].footprint, &le->footprint))
            return true;
    return false;
}

/* Somebody could begin something new at the node: whoever is left is enabled, and not explored or asleep. */
static bool anybody_left(const struct node *n)
{
    return (n->enabled & ~node_covered(n) & ~AGENT_BIT(n->agent)) != 0;
}

static void begin_order(struct dpor *d, uint32_t early)
{
    struct node *n = &d->nodes.data[early];
    struct sequence whole = {NULL, 0, 0, d->order.guess};
    bool told = early < d->base; /* somebody else explores there */
    for (size_t i = 0; i < d->order.count && told; i++)
        vec_push(&whole, d->order.data[i]);
    if (node_insert(n, &d->order) && told)
        wakes_append(&n->found, &whole);
    vec_free(&whole);
}

/* Nobody can take the later turn first. */
static bool turns(const struct event *early, const struct event *later)
{
    for (unsigned i = 0; i < early->footprint.count; i++)
        for (unsigned j = 0; j < later->footprint.count && early->footprint.data[i].key >> 56 == FOOTPRINT_TURN >> 56; j++)
            if (early->footprint.data[i].key == later->footprint.data[j].key)
                return true;
    return false;
}

/* The first step of the reversed order is that of an agent explored already, or asleep: the usual case. */
static bool begun_already(const struct dpor *d, const struct node *n, uint32_t early, uint32_t later)
{
    const struct history *h = &d->history;
    uint32_t k = early + 1;
    while (k < h->events.count && !independent(d, early, k))
        k++;
    uint64_t first = AGENT_BIT(h->events.data[k < h->events.count ? k : later].agent);
    return first & (n->done | (n->asleep & ~n->doubted));
}

static void reverse_race(struct dpor *d, uint32_t early, uint32_t later)
{
    struct node *n = &d->nodes.data[early];
    if (!anybody_left(n) || begun_already(d, n, early, later))
        return;
    if (turns(&d->history.events.data[early], &d->history.events.data[later]))
        return;
    collect_independent(d, early, later);
    if (!possible(d, n, later))
        return;
    d->order.guess = d->order.count;
    push_turn(d, later, false);
    begin_order(d, early);
}

/* Agents that step `last` disabled would have done something else in its place. */
static void reverse_disabling(struct dpor *d, uint32_t last)
{
    struct node *n = &d->nodes.data[last];
    if (n->fell == 0)
        return;
    collect_independent(d, last, last);
    for (uint64_t fell = n->fell; fell != 0; fell &= fell - 1)
        node_leave_to(n, (unsigned)__builtin_ctzll(fell), &d->order);
}

void dpor_reverse_races(struct dpor *d)
{
    const struct history *h = &d->history;
    for (uint32_t later = 0; later < h->events.count; later++) {
        const uint32_t *earlier;
        size_t count = history_races(h, later, &earlier);
        for (size_t i = 0; i < count; i++)
            reverse_race(d, earlier[i], later);
        reverse_disabling(d, later);
    }
}
