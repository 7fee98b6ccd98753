/*
 * Source-set dynamic partial order reduction with sleep sets, after Abdulla, Aronis, Jonsson and
 * Sagonas, "Optimal dynamic partial order reduction" (POPL 2014), over a stack of snapshots.
 *
 * The search is depth first. Each step that is executed is compared with the earlier ones it races
 * with; for each such race the reversed order needs somebody who can begin it at the state before
 * the earlier step, and one such agent is added there unless the order is covered already. An agent
 * that has been explored from a state sleeps in the states behind it until a step conflicts with
 * what it would do.
 *
 * Beyond the paper:
 *   - Agents block. A race whose later step only became possible through the earlier one cannot be
 * reversed, unless something that is independent of the earlier step could enable it as well. A
 * step that disables another agent conflicts with that agent's unseen step.
 *   - A step may ask for choices. Each list of answers is a transition of its own; all are explored
 *     wherever the agent is. Sleeping is per transition.
 *   - What a step touches depends on data: kernel code is atomic between scheduling points. A step
 * that races may touch something else when the earlier one is missing, so whether it can begin the
 * reversed order is decided by what it does there once it is known (struct order, struct
 * assumption).
 *   - A violation ends the run, so that the other agents' next steps are never seen: all of them
 * are tried at the state before it.
 */
#include "explore/dpor.h"

#include <stdlib.h>
#include <string.h>

static struct node *top(struct dpor *d)
{
    return &d->nodes.data[d->nodes.count - 1];
}

/* ---- sleep sets ---- */

static void compute_asleep(struct node *n)
{
    unsigned sleeping[64] = {0};
    n->asleep = 0;
    for (size_t i = 0; i < n->sleep.count; i++) {
        const struct transition *t = n->sleep.data[i];
        if (++sleeping[t->agent] == t->variants)
            n->asleep |= AGENT_BIT(t->agent);
    }
}

static void inherit_one(struct node *child, struct transition *t, unsigned agent, const struct footprint *f)
{
    if (t->agent != agent && (child->enabled & AGENT_BIT(t->agent)) && !footprint_conflict(&t->footprint, f))
        vec_push(&child->sleep, t);
}

/* What sleeps behind a step: what slept before or was explored there, and commutes with it. `done`: whose
 * transitions count as explored. */
static void inherit_sleep(struct node *child, const struct node *parent, uint64_t done, unsigned agent,
                          const struct footprint *f)
{
    for (size_t i = 0; i < parent->sleep.count; i++)
        if (!(done & AGENT_BIT(parent->sleep.data[i]->agent)))
            inherit_one(child, parent->sleep.data[i], agent, f);
    for (size_t i = 0; i < parent->explored.count; i++)
        if (done & AGENT_BIT(parent->explored.data[i]->agent))
            inherit_one(child, parent->explored.data[i], agent, f);
    compute_asleep(child);
}

void node_inherit(struct node *n, const struct node *parent, size_t transition)
{
    const struct transition *t = parent->explored.data[transition];
    uint64_t done = 0;
    for (size_t i = 0; parent->explored.data[i]->agent != t->agent; i++)
        done |= AGENT_BIT(parent->explored.data[i]->agent);
    inherit_sleep(n, parent, done, t->agent, &t->footprint);
}

/* Agents that need not begin anything at this node: explored from here, or asleep. */
uint64_t node_covered(const struct node *n)
{
    return n->done | n->asleep;
}

bool node_transition_sleeps(const struct node *n, unsigned agent, const struct answers *answers)
{
    for (size_t i = 0; i < n->sleep.count; i++)
        if (n->sleep.data[i]->agent == agent && answers_equal(&n->sleep.data[i]->answers, answers))
            return true;
    return false;
}

/* ---- races ---- */

/* Lets somebody of `initials` begin an order, unless somebody does. */
static void add_one(struct node *n, uint64_t initials)
{
    if (initials & (n->backtrack | node_covered(n)))
        return;
    initials &= n->enabled;
    n->backtrack |= initials != 0 ? initials & -initials : n->enabled;
}

/* The transitions of an agent that was explored from the node or sleeps there commute with all of
 * `rest`. */
static bool known_to_commute(const struct node *n, unsigned agent, const struct footprint *rest)
{
    const struct transition *const *list = (const struct transition *const *)n->explored.data;
    size_t count = n->explored.count;
    if (!(n->done & AGENT_BIT(agent))) {
        list = (const struct transition *const *)n->sleep.data;
        count = n->sleep.count;
    }
    for (size_t i = 0; i < count; i++)
        if (list[i]->agent == agent && footprint_conflict(&list[i]->footprint, rest))
            return false;
    return true;
}

static void assume(struct node *n, unsigned agent, uint64_t initials, const struct footprint *rest)
{
    struct assumption *a = NULL;
    for (size_t i = 0; i < n->assumptions.count && a == NULL; i++)
        if (n->assumptions.data[i].agent == agent && n->assumptions.data[i].initials == initials)
            a = &n->assumptions.data[i];
    if (a == NULL) {
        vec_push(&n->assumptions, (struct assumption){agent, initials, {NULL, 0}});
        a = &n->assumptions.data[n->assumptions.count - 1];
    }
    if (!footprint_contains(&a->rest, rest))
        footprint_add(&a->rest, rest);
}

/* `agent` shall begin an order that has also `rest`, which `initials` can begin. */
static void leave_to(struct node *n, unsigned agent, uint64_t initials,
                     const struct footprint *rest)
{
    if (initials & (n->backtrack | node_covered(n)))
        return;
    if (!(node_covered(n) & AGENT_BIT(agent)))
        assume(n, agent, initials, rest);
    else if (!known_to_commute(n, agent, rest))
        add_one(n, initials);
}

/* The last step belongs to earlier orders that it does not depend on. */
static void extend_orders(struct dpor *d)
{
    struct history *h = &d->history;
    uint32_t last = (uint32_t)h->events.count - 1;
    const struct event *e = &h->events.data[last];
    for (size_t i = 0; i < d->orders.count; i++) {
        struct order *o = &d->orders.data[i];
        struct node *n = &d->nodes.data[o->early];
        if (history_before(h, o->early, last))
            continue;
        uint64_t initials = o->initials;
        if (initials == 0) {
            if (o->first == HISTORY_NONE || o->first > last ||
                h->events.data[o->first].id != o->first_id) {
                o->first = last;
                o->first_id = e->id;
            }
            initials = AGENT_BIT(h->events.data[o->first].agent);
        }
        if (!d->again)
            leave_to(n, o->agent, initials, &e->footprint);
    }
}

/* Makes sure that some order in which step `later` comes without `early` is begun at the state
 * before `early`: it consists of the steps between that do not depend on `early` (the rest), and
 * then `later`. There is no such order when only `early`, or what depends on it, enabled `later`.
 *
 * What begins the rest can begin the order. So can the agent of `later` itself if its step commutes
 * with the rest; but what that step touches when `early` is missing may differ from what it has
 * touched here. */
static void reverse_race(struct dpor *d, uint32_t early, uint32_t later)
{
    struct history *h = &d->history;
    struct node *n = &d->nodes.data[early];
    const struct event *le = &h->events.data[later];
    uint32_t first[64] = {0}; /* by slot: the agent's first step of that order */
    uint64_t initials = 0;
    bool enabled = n->enabled & AGENT_BIT(le->agent), begins = true;

    for (uint32_t k = early + 1; k <= later; k++) {
        const struct event *e = &h->events.data[k];
        if (k != later && history_before(h, early, k))
            continue;
        const uint32_t *clock = history_clock(h, k);
        begins = true;
        for (unsigned s = 0; s < h->slots && begins; s++)
            begins = first[s] == 0 || clock[s] < first[s];
        if (k == later)
            break;
        if (begins)
            initials |= AGENT_BIT(e->agent);
        if (first[e->slot] == 0)
            first[e->slot] = e->local;
        if (!enabled)
            enabled = e->agent == le->agent || footprint_conflict(&e->footprint, &le->footprint);
    }
    if (!enabled || (initials & (n->backtrack | node_covered(n))))
        return;
    if (!begins || !(n->enabled & AGENT_BIT(le->agent))) {
        if (!d->again)
            add_one(n, initials);
        return;
    }
    if (!d->again && !(node_covered(n) & AGENT_BIT(le->agent)))
        n->backtrack |= AGENT_BIT(le->agent);
    for (uint32_t k = early + 1; k < later && initials != 0 && !d->again; k++)
        if (!history_before(h, early, k))
            leave_to(n, le->agent, initials, &h->events.data[k].footprint);
    vec_push(&d->orders, (struct order){early, later, le->agent, initials, HISTORY_NONE, 0});
}

static void reverse_races(struct dpor *d)
{
    struct history *h = &d->history;
    uint32_t later = (uint32_t)h->events.count - 1;
    extend_orders(d);
    for (size_t i = 0; i < h->races.count; i++)
        reverse_race(d, h->races.data[i], later);
}

/* ---- the search ---- */

/* Notes who was enabled by the last step, and lets those that it disabled be tried before it. */
static void note_enabledness(struct dpor *d, struct node *child, struct node *parent,
                             const struct event *e)
{
    memcpy(child->enabler, parent->enabler, sizeof child->enabler);
    uint64_t rose = child->enabled & ~parent->enabled & ~AGENT_BIT(e->agent);
    uint64_t fell = parent->enabled & ~child->enabled & ~AGENT_BIT(e->agent);
    for (; rose != 0; rose &= rose - 1)
        child->enabler[__builtin_ctzll(rose)] = (uint32_t)d->history.events.count - 1;
    if (!d->again)
        parent->backtrack |= fell;
    for (uint32_t last = (uint32_t)d->history.events.count - 1; fell != 0; fell &= fell - 1)
        vec_push(&d->orders,
                 (struct order){last, last, (unsigned)__builtin_ctzll(fell), 0, HISTORY_NONE, 0});
    /* Its own earlier enabler has done its work. */
    child->enabler[e->agent] = HISTORY_NONE;
}

static void push_snapshot(struct dpor *d, struct node *n)
{
    const struct subject *s = d->x->subject;
    n->snapshot = s->push(s->context);
}

static unsigned pick(uint64_t mask, unsigned preferred)
{
    return preferred < 64 && (mask & AGENT_BIT(preferred)) ? preferred
                                                           : (unsigned)__builtin_ctzll(mask);
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
        explorer_ended(x, s->quiescent(s->context));
        return false;
    }
    if (x->options->max_steps != 0 && depth >= x->options->max_steps) {
        explorer_step_limit(x);
        return false;
    }
    if (depth > 0) {
        const struct event *e = &d->history.events.data[depth - 1];
        inherit_sleep(&n, top(d), top(d)->done, e->agent, &e->footprint);
    }
    uint64_t awake = n.enabled & ~n.asleep;
    if (awake == 0) {
        vec_free(&n.sleep);
        explorer_abandoned(x);
        return false;
    }
    n.agent = pick(awake, last);
    n.backtrack = AGENT_BIT(n.agent);
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
    for (size_t i = 0; i < n->answers.count; i++)
        vec_push(&t->answers, n->answers.data[i]);
    t->footprint = history_remove(&d->history);
    while (d->orders.count > 0 &&
           d->orders.data[d->orders.count - 1].later >= d->history.events.count)
        d->orders.count--;
    vec_push(&n->explored, t);
}

void node_agent_done(struct node *n, unsigned agent)
{
    unsigned variants = 0;
    for (size_t i = 0; i < n->explored.count; i++)
        variants += n->explored.data[i]->agent == agent;
    for (size_t i = 0; i < n->explored.count; i++)
        if (n->explored.data[i]->agent == agent)
            n->explored.data[i]->variants = variants;
    n->done |= AGENT_BIT(agent);
    for (size_t i = 0; i < n->assumptions.count; i++) {
        const struct assumption *a = &n->assumptions.data[i];
        if (a->agent == agent && !known_to_commute(n, a->agent, &a->rest))
            add_one(n, a->initials);
    }
}

void node_add(struct node *n, uint64_t backtrack, struct assumption *assumptions, size_t count)
{
    n->backtrack |= backtrack & n->enabled;
    for (size_t i = 0; i < count; i++) {
        leave_to(n, assumptions[i].agent, assumptions[i].initials, &assumptions[i].rest);
        footprint_free(&assumptions[i].rest);
    }
}

void transition_free(struct transition *t)
{
    footprint_free(&t->footprint);
    free(t->answers.data);
    free(t);
}

void node_close(struct node *n)
{
    for (size_t i = 0; i < n->explored.count; i++)
        transition_free(n->explored.data[i]);
    for (size_t i = 0; i < n->sleep.count && n->owns_sleep; i++)
        transition_free(n->sleep.data[i]);
    for (size_t i = 0; i < n->assumptions.count; i++)
        footprint_free(&n->assumptions.data[i].rest);
    vec_free(&n->assumptions);
    vec_free(&n->explored);
    vec_free(&n->sleep);
    free(n->answers.data);
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
    for (size_t i = from; i + 1 < d->nodes.count; i++) {
        struct step_result r =
            explorer_step(x, d->nodes.data[i].agent, &d->nodes.data[i].answers, NULL);
        RD_ASSERT(r.stop == STOP_NONE);
    }
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
            n->agent = pick(untried, NO_AGENT);
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

/* The races of the last step, and the node behind it. */
static bool go_on_behind(struct dpor *d, enum machine_stop stop)
{
    reverse_races(d);
    if (stop == STOP_NONE)
        return dpor_descend(d);
    top(d)->backtrack |= top(d)->enabled;
    explorer_ended(d->x, stop);
    return false;
}

bool dpor_take_step(struct dpor *d)
{
    enum machine_stop stop = execute(d).stop;
    struct node *n = top(d);
    if (node_transition_sleeps(n, n->agent, &n->answers))
        return false;
    return go_on_behind(d, stop);
}

void dpor_open(struct dpor *d, struct node *given)
{
    const struct subject *subject = d->x->subject;
    RD_ASSERT(d->nodes.count == d->history.events.count && d->base == d->nodes.count);
    RD_ASSERT(given->enabled == subject->enabled(subject->context));
    d->again = true;
    if (d->nodes.count > 0) {
        reverse_races(d);
        note_enabledness(d, given, top(d), &d->history.events.data[d->nodes.count - 1]);
    } else {
        memset(given->enabler, 0xFF, sizeof given->enabler);
    }
    d->again = false;
    given->snapshot = NO_SNAPSHOT;
    given->path = d->x->path.count;
    vec_push(&d->nodes, *given);
    d->base++;
}

void dpor_repeat(struct dpor *d)
{
    enum machine_stop stop = execute(d).stop;
    RD_ASSERT(stop == STOP_NONE);
}

bool dpor_begin(struct dpor *d)
{
    return go_on_behind(d, execute(d).stop);
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
    vec_free(&d->orders);
}
