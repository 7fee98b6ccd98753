/*
 * Optimal dynamic partial order reduction with sleep sets and wakeup trees, after Abdulla, Aronis, Jonsson and
 * Sagonas, "Optimal dynamic partial order reduction" (POPL 2014), over a stack of snapshots.
 *
 * The search is depth first. When an execution has ended, each two of its steps that race are looked at: the
 * reversed order is begun at the state before the earlier step unless it is covered already, and followed as
 * far as it goes (races.c, node.c). An agent that has been explored from a state sleeps in the states behind
 * it until a step conflicts with what it would do.
 *
 * Beyond the paper:
 *   - Agents block, and steps enable and disable other agents (races.c).
 *   - A step may ask for choices. Each list of answers is a transition of its own; all are explored
 *     wherever the agent is. Sleeping is per transition.
 *   - What a step touches depends on data: kernel code is atomic between scheduling points (races.c).
 *   - A violation ends the run, so that the other agents' next steps are never seen: all of them
 *     are tried at the state before it.
 */
#include "explore/dpor.h"

#include <stdlib.h>
#include <string.h>

#define LONG_EXECUTION 10000u
/* Steps for which an agent may be passed over. */
#define STARVED 200u

static struct node *top(struct dpor *d)
{
    return &d->nodes.data[d->nodes.count - 1];
}

/* Notes who was enabled by the last step, and lets those that it disabled be tried before it. */
static void note_enabledness(struct dpor *d, struct node *child, struct node *parent,
                             const struct event *e)
{
    memcpy(child->enabler, parent->enabler, sizeof child->enabler);
    uint64_t rose = child->enabled & ~parent->enabled & ~AGENT_BIT(e->agent);
    parent->fell = parent->enabled & ~child->enabled & ~AGENT_BIT(e->agent);
    for (; rose != 0; rose &= rose - 1)
        child->enabler[__builtin_ctzll(rose)] = (uint32_t)d->history.events.count - 1;
    node_try(parent, parent->fell);
    /* Its own earlier enabler has done its work. */
    child->enabler[e->agent] = HISTORY_NONE;
}

static void push_snapshot(struct dpor *d, struct node *n)
{
    const struct subject *s = d->x->subject;
    n->snapshot = s->push(s->context);
}

/* The lowest, unless one has not run for very long: two agents that wake each other for ever, a polling loop and the
 * clock, would otherwise keep all others from running. */
static unsigned lowest_or_starved(const struct history *h, uint64_t agents)
{
    unsigned best = (unsigned)__builtin_ctzll(agents);
    size_t longest = STARVED;
    for (; agents != 0; agents &= agents - 1) {
        unsigned agent = (unsigned)__builtin_ctzll(agents);
        size_t since = h->events.count - (h->latest[agent] == HISTORY_NONE ? 0 : h->latest[agent]);
        if (since > longest) {
            longest = since;
            best = agent;
        }
    }
    return best;
}

/* Of those that are next: the one that ran last, while it can. */
static unsigned pick(const struct dpor *d, const struct node *n, uint64_t agents, unsigned last)
{
    agents = node_next(n, agents);
    return last < 64 && (agents & AGENT_BIT(last)) ? last : lowest_or_starved(&d->history, agents);
}

/* What is left to follow of the orders that the parent's transition was taken for. */
static void inherit_wakes(struct node *n, struct node *parent)
{
    struct wake *w = wakes_find(&parent->wakes, parent->agent, &parent->answers);
    if (w == NULL)
        return;
    n->wakes = w->behind;
    w->behind = (struct wakes){NULL, 0, 0};
    n->assumptions = w->assumptions;
    w->assumptions = (struct assumptions){NULL, 0, 0};
    for (size_t i = 0; i < n->wakes.count; i++)
        n->backtrack |= AGENT_BIT(n->wakes.data[i]->agent);
    n->backtrack &= n->enabled;
}

/* By orders that were seen whole. */
static bool led_here(const struct node *n)
{
    bool led = n->wakes.count > 0;
    for (size_t i = 0; i < n->wakes.count; i++)
        led &= !n->wakes.data[i]->partial;
    return led;
}

static void execution_ended(struct dpor *d, enum machine_stop stop)
{
    explorer_ended(d->x, stop);
    if (!d->x->over && !d->x->grown)
        dpor_reverse_races(d, stop == STOP_NONE || stop == STOP_END);
}

bool dpor_descend(struct dpor *d)
{
    struct explorer *x = d->x;
    const struct subject *s = x->subject;
    struct node n = {.enabled = s->enabled(s->context),
                     .agent = NO_AGENT,
                     .snapshot = NO_SNAPSHOT,
                     .path = x->path.count};
    size_t depth = d->history.events.count;
    unsigned last = NO_AGENT;
    if (depth > 0) {
        const struct event *e = &d->history.events.data[depth - 1];
        note_enabledness(d, &n, top(d), e);
        last = e->agent;
    } else {
        memset(n.enabler, 0xFF, sizeof n.enabler);
    }
    if (n.enabled == 0) {
        if (s->redundant == NULL || !s->redundant(s->context)) {
            execution_ended(d, s->quiescent(s->context));
        } else {
            explorer_abandoned(x);
            dpor_reverse_races(d, false);
        }
        return false;
    }
    if (x->options->max_steps != 0 && depth >= x->options->max_steps) {
        explorer_step_limit(x);
        /* Nothing is claimed any more: races of the very longest are not worth what they cost. */
        if (depth <= LONG_EXECUTION)
            dpor_reverse_races(d, false);
        return false;
    }
    if (depth > 0) {
        node_inherit(&n, top(d), depth <= d->base, top(d)->done, last,
                     &d->history.events.data[depth - 1].footprint);
        inherit_wakes(&n, top(d));
        if (!led_here(&n))
            node_doubt_sleep(&n);
    }
    uint64_t awake = n.enabled & ~n.asleep;
    if (awake == 0) {
        node_close(&n);
        explorer_abandoned(x);
        dpor_reverse_races(d, false); /* what sleeps may violate a rule, and then nobody else sees these */
        return false;
    }
    n.agent = pick(d, &n, awake & n.backtrack ? awake & n.backtrack : awake, last);
    node_try(&n, AGENT_BIT(n.agent));
    if (depth == d->base || (n.enabled & (n.enabled - 1)) != 0)
        push_snapshot(d, &n);
    vec_push(&d->nodes, n);
    return true;
}

/* The step explored from the top node is taken back and remembered as explored. */
static void retract(struct dpor *d)
{
    struct node *n = top(d);
    struct transition *t = calloc(1, sizeof *t);
    RD_ASSERT(t != NULL);
    t->agent = n->agent;
    answers_copy(&t->answers, &n->answers);
    t->footprint = history_remove(&d->history);
    t->ends = n->ended;
    n->ended = false;
    n->fell = 0;
    vec_push(&n->explored, t);
}

static void close_top(struct dpor *d)
{
    struct node *n = top(d);
    if (n->snapshot != NO_SNAPSHOT)
        d->x->subject->drop(d->x->subject->context, n->snapshot);
    node_close(n);
    d->nodes.count--;
}

/* Brings the subject to the top node's state. Nodes with nothing to choose from have no snapshot:
 * the steps since the last one that has are repeated. */
static void go_to_top(struct dpor *d)
{
    struct explorer *x = d->x;
    size_t from = d->nodes.count - 1;
    while (d->nodes.data[from].snapshot == NO_SNAPSHOT)
        from--;
    explorer_go_back(x, d->nodes.data[from].snapshot, d->nodes.data[from].path);
    x->repeating = true;
    for (size_t i = from; i + 1 < d->nodes.count; i++) {
        struct step_result r =
            explorer_step(x, d->nodes.data[i].agent, &d->nodes.data[i].answers, NULL);
        RD_ASSERT(r.stop == STOP_NONE);
    }
    x->repeating = false;
}

bool dpor_advance(struct dpor *d)
{
    while (d->nodes.count > d->base) {
        struct node *n = top(d);
        bool more = false;
        if (d->history.events.count == d->nodes.count)
            retract(d);
        if (n->agent != NO_AGENT) {
            more = answers_next(&n->answers);
            if (!more) {
                node_agent_done(n, n->agent);
                n->agent = NO_AGENT;
                n->answers.count = 0;
            }
        }
        uint64_t untried = n->backtrack & ~node_covered(n);
        if (!more && untried != 0) {
            n->agent = pick(d, n, untried, NO_AGENT);
            more = true;
        }
        if (more) {
            go_to_top(d);
            return true;
        }
        close_top(d);
    }
    return false;
}

static struct step_result execute(struct dpor *d)
{
    struct explorer *x = d->x;
    struct node *n = top(d);
    struct step_result r = explorer_step(x, n->agent, &n->answers, NULL);
    uint32_t enabler = n->enabler[n->agent];
    history_append(&d->history, n->agent, footprint_copy(r.footprint, r.footprint_count), enabler);
    if (enabler != HISTORY_NONE &&
        !footprint_conflict(&d->history.events.data[enabler].footprint,
                            &d->history.events.data[d->nodes.count - 1].footprint))
        explorer_doubt(x, "a step was enabled by one that it has nothing in common with");
    return r;
}

/* The node behind the last step. */
static bool go_on_behind(struct dpor *d, enum machine_stop stop)
{
    if (stop == STOP_NONE)
        return dpor_descend(d);
    top(d)->ended = true;
    node_try(top(d), top(d)->enabled);
    execution_ended(d, stop);
    return false;
}

bool dpor_take_step(struct dpor *d)
{
    enum machine_stop stop = execute(d).stop;
    struct node *n = top(d);
    if (node_transition_sleeps(n, n->agent, &n->answers)) {
        node_skipped(n);
        return false;
    }
    return go_on_behind(d, stop);
}

void dpor_open(struct dpor *d, struct node *given)
{
    const struct subject *subject = d->x->subject;
    RD_ASSERT(d->nodes.count == d->history.events.count && d->base == d->nodes.count);
    RD_ASSERT(given->enabled == subject->enabled(subject->context));
    if (d->nodes.count > 0)
        note_enabledness(d, given, top(d), &d->history.events.data[d->nodes.count - 1]);
    else
        memset(given->enabler, 0xFF, sizeof given->enabler);
    given->snapshot = NO_SNAPSHOT;
    given->path = d->x->path.count;
    vec_push(&d->nodes, *given);
    d->base++;
}

static enum machine_stop execute_again(struct dpor *d)
{
    d->x->repeating = true;
    enum machine_stop stop = execute(d).stop;
    d->x->repeating = false;
    return stop;
}

void dpor_repeat(struct dpor *d)
{
    enum machine_stop stop = execute_again(d);
    RD_ASSERT(stop == STOP_NONE);
}

bool dpor_begin(struct dpor *d)
{
    return go_on_behind(d, execute_again(d));
}

void dpor_measure(void *context, double *done, uint64_t *frontier)
{
    const struct dpor *d = context;
    double share = 1;
    *done = 0;
    *frontier = 0;
    for (size_t i = 0; i < d->nodes.count; i++) {
        const struct node *n = &d->nodes.data[i];
        int known = __builtin_popcountll((n->backtrack | n->done) & ~n->asleep);
        if (known == 0)
            continue;
        *done += share * __builtin_popcountll(n->done & ~n->asleep) / known;
        share /= known;
        *frontier += (uint64_t)__builtin_popcountll(n->backtrack & ~node_covered(n));
    }
}

void dpor_init(struct dpor *d, struct explorer *x)
{
    *d = (struct dpor){.x = x};
    history_open(&d->history);
}

void dpor_clear(struct dpor *d)
{
    history_clear(&d->history);
    while (d->nodes.count > 0)
        close_top(d);
    vec_free(&d->nodes);
    vec_free(&d->order);
}
