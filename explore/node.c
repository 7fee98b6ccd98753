/*
 * What is known of one state of the search: who sleeps there, what was explored, and what is to be tried (explore/dpor.h).
 *
 * An order need not be begun when an agent that is explored from the state is a weak initial of it: when its first step
 * there can come first, or commutes with all of the order. For agents that are still to be explored that rests on what
 * their step is expected to touch, which is compared with what it does touch once that is known (struct assumption).
 *
 * That the order need not be begun because a sleeping agent commutes with all of it presumes that whatever sleeps had to wake
 * up at the latest where the orders followed to here ended: whatever was found in its own subtree has been added to them. Not
 * so when a guess was wrong, when an execution was cut short, or when another job is still exploring that subtree. Agents that sleep on then are
 * doubted: they still sleep, but cover only what surely begins with their own step.
 */
#include "explore/dpor.h"

#include <stdlib.h>

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

/* What ends the run does not sleep: what it races with depends on all that has come before it, and that it is met again is all that
 * shows it. */
static void inherit_one(struct node *child, struct transition *t, unsigned agent, const struct footprint *f)
{
    if (t->agent != agent && !t->ends && (child->enabled & AGENT_BIT(t->agent)) && !footprint_conflict(&t->footprint, f))
        vec_push(&child->sleep, t);
}

void node_inherit(struct node *n, const struct node *parent, bool shared, uint64_t done, unsigned agent,
                  const struct footprint *footprint)
{
    for (size_t i = 0; i < parent->sleep.count; i++)
        if (!(done & AGENT_BIT(parent->sleep.data[i]->agent)))
            inherit_one(n, parent->sleep.data[i], agent, footprint);
    for (size_t i = 0; i < parent->explored.count; i++)
        if (done & AGENT_BIT(parent->explored.data[i]->agent))
            inherit_one(n, parent->explored.data[i], agent, footprint);
    compute_asleep(n);
    uint64_t doubted = (parent->doubted & ~done) | (shared || parent->misled ? done : 0);
    for (size_t i = 0; i < n->sleep.count; i++)
        n->doubted |= doubted & AGENT_BIT(n->sleep.data[i]->agent);
}

void node_doubt_sleep(struct node *n)
{
    for (size_t i = 0; i < n->sleep.count; i++)
        n->doubted |= AGENT_BIT(n->sleep.data[i]->agent);
}

uint64_t node_done_before(const struct node *n, size_t transition)
{
    uint64_t done = 0;
    unsigned agent = n->explored.data[transition]->agent;
    for (size_t i = 0; n->explored.data[i]->agent != agent; i++)
        done |= AGENT_BIT(n->explored.data[i]->agent);
    return done;
}

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

/* ---- what is to be tried ---- */

void node_try(struct node *n, uint64_t agents)
{
    agents &= n->enabled;
    n->plain |= agents & ~n->backtrack;
    n->backtrack |= agents;
}

/* What it races with is not seen here, so that all others are tried in its place. */
void node_skipped(struct node *n)
{
    node_try(n, n->enabled);
}

uint64_t node_next(const struct node *n, uint64_t agents)
{
    if (agents & n->plain)
        return agents & n->plain;
    for (size_t i = 0; i < n->wakes.count; i++)
        if (agents & AGENT_BIT(n->wakes.data[i]->agent))
            return AGENT_BIT(n->wakes.data[i]->agent);
    return agents;
}

/* Lets somebody of `initials` begin an order, unless somebody does. */
static void try_one_of(struct node *n, uint64_t initials)
{
    if (initials & (n->backtrack | node_covered(n)))
        return;
    initials &= n->enabled;
    node_try(n, initials != 0 ? initials & -initials : n->enabled);
}

/* The transitions of an agent that was explored from the node or sleeps there, all of them. */
static size_t known_transitions(const struct node *n, unsigned agent, struct transition *const **list)
{
    bool done = n->done & AGENT_BIT(agent);
    *list = done ? n->explored.data : n->sleep.data;
    return done ? n->explored.count : n->sleep.count;
}

static bool known_to_commute(const struct node *n, unsigned agent, const struct footprint *rest)
{
    struct transition *const *list;
    size_t count = known_transitions(n, agent, &list);
    for (size_t i = 0; i < count; i++)
        if (list[i]->agent == agent && footprint_conflict(&list[i]->footprint, rest))
            return false;
    return true;
}

static bool known_to_commute_with(const struct node *n, unsigned agent, const struct sequence *v)
{
    struct transition *const *list;
    size_t count = known_transitions(n, agent, &list);
    for (size_t i = 0; i < count; i++)
        if (list[i]->agent == agent && !sequence_commutes(v, agent, &list[i]->footprint))
            return false;
    return true;
}

/* ---- orders ---- */

/* The agent, which was explored from here or sleeps, is a weak initial of the order. Of one that is doubted only what
 * is certain counts: that the guess needs its step. */
static bool known_covers(const struct node *n, unsigned agent, const struct sequence *v, bool doubted)
{
    size_t k = sequence_first(v, agent);
    if (k == v->guess)
        return known_to_commute_with(n, agent, v);
    if (k < v->count)
        return (!doubted || v->data[k].needed) && sequence_begins(v, k);
    return !doubted && known_to_commute_with(n, agent, v);
}

static bool covered_by_known(const struct node *n, const struct sequence *v)
{
    uint64_t covered = node_covered(n), doubted = n->doubted & ~n->done;
    unsigned guessed = v->guess != NO_GUESS ? v->data[v->guess].agent : NO_AGENT;
    if (doubted != 0 && guessed != NO_AGENT && (covered & AGENT_BIT(guessed)))
        return known_to_commute_with(n, guessed, v) || (covered & sequence_initials(v)) != 0;
    for (uint64_t left = covered; left != 0; left &= left - 1) {
        unsigned agent = (unsigned)__builtin_ctzll(left);
        if (known_covers(n, agent, v, doubted & AGENT_BIT(agent)))
            return true;
    }
    /* A transition may sleep while others of its agent do not. */
    for (size_t i = 0; i < n->sleep.count; i++) {
        const struct transition *t = n->sleep.data[i];
        size_t k = sequence_first(v, t->agent);
        if (k < v->count && k != v->guess && v->data[k].needed && answers_equal(&t->answers, v->data[k].answers) &&
            sequence_begins(v, k))
            return true;
    }
    return false;
}

/* An agent that is to be explored, and of whose step nothing is known, can begin the order. */
static bool covered_by_agent(struct node *n, unsigned agent, const struct sequence *v)
{
    size_t k = sequence_first(v, agent);
    if (k == v->count || !sequence_begins(v, k))
        return false;
    if (k == v->guess)
        assume(&n->assumptions, agent, sequence_initials(v), v);
    return true;
}

/* The branch of a tree that the order goes along; NULL when it needs its own. *k: its turn in the order, or v->count. An agent
 * is explored with all its answers at the place of its first branch: when that could begin the order, but with other answers, the
 * order's own branch begins with it as well. */
static struct wake *branch_for(const struct wakes *w, struct sequence *v, uint64_t not, size_t *k)
{
    for (size_t i = 0; i < w->count; i++) {
        struct wake *one = w->data[i];
        if (not & AGENT_BIT(one->agent))
            continue;
        *k = sequence_first(v, one->agent);
        if (*k == v->count) {
            if (sequence_commutes(v, one->agent, &one->footprint))
                return one;
        } else if (sequence_begins(v, *k)) {
            struct wake *same = wakes_find(w, one->agent, v->data[*k].answers);
            if (same == NULL)
                sequence_begin_with(v, *k);
            return same;
        }
    }
    return NULL;
}

/* Has the order begun at the node itself; false when it cannot be, and everybody is tried instead. */
static bool begin_branch(struct node *n, struct sequence *v)
{
    if ((node_covered(n) & AGENT_BIT(v->data[0].agent)) && v->guess != NO_GUESS) {
        /* A doubted one, which cannot begin anything. */
        uint64_t initials = sequence_initials(v);
        if (!v->data[0].needed)
            assume(&n->assumptions, v->data[v->guess].agent, initials, v);
        sequence_reduce(v);
    }
    if (!(n->enabled & AGENT_BIT(v->data[0].agent))) {
        node_try(n, n->enabled);
        return false;
    }
    n->backtrack |= AGENT_BIT(v->data[0].agent);
    return true;
}

bool node_insert(struct node *n, struct sequence *v)
{
    uint64_t not = node_covered(n) | (n->agent != NO_AGENT ? AGENT_BIT(n->agent) : 0);
    struct wakes *at = &n->wakes;
    struct assumptions *about = &n->assumptions;
    struct wake *branch;
    size_t k;
    if (v->count == 0 || covered_by_known(n, v))
        return false;
    for (uint64_t left = n->plain & ~not; left != 0; left &= left - 1)
        if (covered_by_agent(n, (unsigned)__builtin_ctzll(left), v))
            return false;
    while ((branch = branch_for(at, v, not, &k)) != NULL) {
        if (k == v->count || k == v->guess)
            assume(about, branch->agent, sequence_initials(v), v);
        if (k < v->count)
            sequence_remove(v, k);
        at = &branch->behind;
        about = &branch->assumptions;
        not = 0;
        if (at->count == 0 || v->count == 0)
            return false;
    }
    if (at == &n->wakes && !begin_branch(n, v))
        return false;
    if (v->guess == 0 && v->count > 1)
        assume(about, v->data[0].agent, sequence_initials(v), v);
    wakes_append(at, v);
    return true;
}

void node_leave_to(struct node *n, unsigned agent, const struct sequence *others)
{
    uint64_t initials = sequence_initials(others);
    if (others->count == 0 || (initials & (n->backtrack | node_covered(n))))
        return;
    if (!(node_covered(n) & AGENT_BIT(agent)))
        assume(&n->assumptions, agent, initials, others);
    else if (!known_to_commute_with(n, agent, others))
        try_one_of(n, initials);
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
        if (a->agent == agent && !known_to_commute(n, agent, &a->rest)) {
            n->misled = true;
            try_one_of(n, a->initials);
        }
    }
}

static void add_assumption(struct node *n, const struct assumption *a)
{
    if (a->initials & (n->backtrack | node_covered(n)))
        return;
    struct turn rest = {NO_AGENT, false, NULL, &a->rest};
    struct sequence v = {&rest, 1, 1, NO_GUESS, false};
    if (!(node_covered(n) & AGENT_BIT(a->agent)))
        assume(&n->assumptions, a->agent, a->initials, &v);
    else if (!known_to_commute(n, a->agent, &a->rest))
        try_one_of(n, a->initials);
}

void node_add(struct node *n, uint64_t agents, struct wakes *orders, struct assumptions *assumptions)
{
    struct sequence v = {NULL, 0, 0, NO_GUESS, false};
    for (size_t i = 0; i < orders->count; i++) {
        wake_sequence(orders->data[i], &v);
        node_insert(n, &v);
    }
    vec_free(&v);
    wakes_free(orders);
    node_try(n, agents);
    for (size_t i = 0; i < assumptions->count; i++)
        add_assumption(n, &assumptions->data[i]);
    assumptions_clear(assumptions);
}

/* ---- the end ---- */

void node_forget_found(struct node *n)
{
    assumptions_clear(&n->assumptions);
    wakes_free(&n->found);
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
    node_forget_found(n);
    wakes_free(&n->wakes);
    vec_free(&n->explored);
    vec_free(&n->sleep);
    free(n->answers.data);
}
