/* One part of a check (explore/shard.h). */
#include "explore/shard.h"

#include <stdlib.h>

/* What all parts do alike to find shared locations: the beginning of the search for the whole, and random walks. */
#define WARM_EXECUTIONS 5000
#define WARM_WALKS 500
#define WARM_SEED 1
/* Subtrees for each part, so that parts take about equally long. */
#define SUBTREES 64
#define MAX_LEVELS 1000

struct division {
    struct explorer *x;
    struct units *mine;
    unsigned levels;
    uint64_t count; /* subtrees so far */
    uint64_t open;  /* those of them that go on */
};

static void walk(struct explorer *x, struct rng *rng)
{
    const struct subject *s = x->subject;
    struct answers answers = {NULL, 0, 0};
    uint64_t enabled;
    explorer_begin(x);
    for (uint64_t steps = 0; (enabled = s->enabled(s->context)) != 0 && !x->over; steps++) {
        if (x->options->max_steps != 0 && steps >= x->options->max_steps)
            break;
        for (uint64_t skip = rng_below(rng, (uint64_t)__builtin_popcountll(enabled)); skip > 0; skip--)
            enabled &= enabled - 1;
        answers.count = 0;
        if (explorer_step(x, (unsigned)__builtin_ctzll(enabled), &answers, rng).stop != STOP_NONE)
            break;
    }
    free(answers.data);
}

/* The first executions of the search for the whole. Growth begins it again, as it does there. */
static void begin_whole(struct explorer *x)
{
    uint64_t executions = 0;
    do {
        struct dpor d;
        dpor_init(&d, x);
        explorer_begin_round(x);
        bool more = dpor_descend(&d);
        while (more && !x->over && !x->grown)
            if (!dpor_take_step(&d) && !x->over && !x->grown)
                more = dpor_advance(&d);
        dpor_clear(&d);
        executions = x->result->voided + x->result->executions;
    } while (x->grown && !x->over && executions < WARM_EXECUTIONS);
}

void shard_prepare(struct explorer *x)
{
    const struct explore_options *o = x->options;
    struct explore_options first = *o;
    struct rng rng = {WARM_SEED};
    first.all = true;
    first.want_states = false;
    first.max_executions = WARM_EXECUTIONS;
    x->options = &first;
    begin_whole(x);
    explorer_forget(x);
    for (unsigned i = 0; i < WARM_WALKS && !x->over; i++)
        walk(x, &rng);
    x->options = o;
    explorer_forget(x);
}

/* All transitions of the agent from the present state; ends[i]: nothing comes behind transition i. */
static void try_agent(struct explorer *x, struct node *n, unsigned agent, unsigned here, size_t path, bool **ends)
{
    const struct subject *s = x->subject;
    struct answers answers = {NULL, 0, 0};
    do {
        struct step_result r = explorer_step(x, agent, &answers, NULL);
        struct transition *t = calloc(1, sizeof *t);
        RD_ASSERT(t != NULL);
        t->agent = agent;
        answers_copy(&t->answers, &answers);
        t->footprint = footprint_copy(r.footprint, r.footprint_count);
        t->ends = r.stop != STOP_NONE;
        vec_push(&n->explored, t);
        *ends = realloc(*ends, n->explored.count * sizeof **ends);
        RD_ASSERT(*ends != NULL);
        (*ends)[n->explored.count - 1] = r.stop != STOP_NONE || s->enabled(s->context) == 0;
        explorer_go_back(x, here, path);
    } while (answers_next(&answers));
    free(answers.data);
    node_agent_done(n, agent);
}

static void divide(struct division *d, struct shared *parent, size_t taken, unsigned level);

/* The subtree behind a transition: a part of the division, or divided further. */
static void divide_behind(struct division *d, struct shared *s, size_t i, bool ends, unsigned level)
{
    const struct explore_options *o = d->x->options;
    if (!ends && level + 1 < d->levels) {
        struct transition *t = s->n.explored.data[i];
        explorer_step(d->x, t->agent, &t->answers, NULL);
        divide(d, s, i, level + 1);
        return;
    }
    d->open += !ends;
    if (d->count++ % o->shards == o->shard - 1)
        units_add(d->mine, (struct unit){.task = TASK_EXPLORE, .node = s, .transition = i});
}

static void divide(struct division *d, struct shared *parent, size_t taken, unsigned level)
{
    struct explorer *x = d->x;
    const struct subject *subject = x->subject;
    struct node n = {.agent = NO_AGENT, .enabled = subject->enabled(subject->context)};
    bool *ends = NULL;
    node_try(&n, n.enabled);
    if (parent != NULL) {
        const struct transition *t = parent->n.explored.data[taken];
        node_inherit(&n, &parent->n, true, node_done_before(&parent->n, taken), t->agent, &t->footprint);
    }
    unsigned here = subject->push(subject->context);
    size_t path = x->path.count;
    for (uint64_t left = n.enabled & ~n.asleep; left != 0 && !x->over; left &= left - 1)
        try_agent(x, &n, (unsigned)__builtin_ctzll(left), here, path, &ends);
    struct shared *s = shared_make(parent, taken, &n);
    for (size_t i = 0; i < s->n.explored.count && !x->over; i++) {
        const struct transition *t = s->n.explored.data[i];
        if (node_transition_sleeps(&s->n, t->agent, &t->answers))
            continue;
        divide_behind(d, s, i, ends[i], level);
        explorer_go_back(x, here, path);
    }
    subject->drop(subject->context, here);
    shared_release(s);
    free(ends);
}

void shard_divide(struct explorer *x, struct units *mine)
{
    const struct subject *s = x->subject;
    struct division d = {.x = x, .mine = mine};
    explorer_go_back(x, x->root, 0);
    if (s->enabled(s->context) == 0) { /* nothing to divide */
        if (x->options->shard == 1)
            explorer_ended(x, s->quiescent(s->context));
        return;
    }
    do {
        units_free(mine);
        d.levels++;
        d.count = d.open = 0;
        explorer_go_back(x, x->root, 0);
        divide(&d, NULL, 0, 0);
    } while (!x->over && d.open > 0 && d.count < (uint64_t)SUBTREES * x->options->shards && d.levels < MAX_LEVELS);
    explorer_go_back(x, x->root, 0);
    x->grown = s->grew(s->context);
}
