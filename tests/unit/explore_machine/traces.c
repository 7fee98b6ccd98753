/*
 * Checks, on a scenario with real drivers, the model that the reduction relies on
 * (explore/internal.h): every Mazurkiewicz trace that executions with at most two preemptions reach
 * has to be among the traces of the reduced exploration. One that is missing means that some step
 * did more than its footprint says, so that the explorer took two orders for equal that are not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "cli/cli.h"

#define MAX_DEPTH 100000

struct taken {
    unsigned agent;
    struct footprint_entry *footprint;
    unsigned count;
};

/* A machine whose state's hash identifies the trace that led to it. */
struct traced {
    struct subject inner;
    VEC(struct taken) steps;
    size_t marks[MAX_DEPTH]; /* steps at each snapshot */
};

/* What a location's accesses of the last kind follow, and the sum over these: they commute. */
struct cell {
    uint64_t key, before, sum;
    unsigned kind;
};
static struct cell cells[1 << 16];

static struct cell *cell_of(uint64_t key)
{
    size_t i = (size_t)((key * 0x9E3779B97F4A7C15ull) >> 48);
    while (cells[i].key != 0 && cells[i].key != key)
        i = (i + 1) % (sizeof cells / sizeof cells[0]);
    cells[i].key = key;
    return &cells[i];
}

static struct hash128 trace_hash(void *context)
{
    const struct traced *t = context;
    uint64_t agents[MACHINE_AGENTS] = {0};
    memset(cells, 0, sizeof cells);
    for (size_t i = 0; i < t->steps.count; i++) {
        const struct taken *s = &t->steps.data[i];
        struct hash128 h = hash_bytes(&agents[s->agent], sizeof agents[0]);
        for (unsigned k = 0; k < s->count; k++) {
            struct cell *c = cell_of(s->footprint[k].key);
            if (access_conflict(c->kind, s->footprint[k].access)) {
                uint64_t past[2] = {c->before, c->sum};
                c->before = hash_bytes(past, sizeof past).low;
                c->sum = 0;
            }
            c->kind = s->footprint[k].access;
            uint64_t seen[3] = {c->key, c->before, c->kind};
            h = hash_chain(h, seen, sizeof seen);
        }
        for (unsigned k = 0; k < s->count; k++)
            cell_of(s->footprint[k].key)->sum += h.low * 2 + 1;
        agents[s->agent] = h.low;
    }
    return hash_bytes(agents, sizeof agents);
}

static void forget(struct traced *t, size_t count)
{
    while (t->steps.count > count)
        free(t->steps.data[--t->steps.count].footprint);
}

static uint64_t enabled(void *context)
{
    struct traced *t = context;
    return t->inner.enabled(t->inner.context);
}

static struct step_result step(void *context, unsigned agent, const struct decider *decider)
{
    struct traced *t = context;
    struct step_result r = t->inner.step(t->inner.context, agent, decider);
    struct taken s = {agent, malloc((r.footprint_count + 1) * sizeof *s.footprint),
                      r.footprint_count};
    RD_ASSERT(s.footprint != NULL);
    memcpy(s.footprint, r.footprint, r.footprint_count * sizeof *s.footprint);
    vec_push(&t->steps, s);
    return r;
}

static enum machine_stop quiescent(void *context)
{
    struct traced *t = context;
    return t->inner.quiescent(t->inner.context);
}

static unsigned push(void *context)
{
    struct traced *t = context;
    unsigned depth = t->inner.push(t->inner.context);
    RD_ASSERT(depth < MAX_DEPTH);
    t->marks[depth] = t->steps.count;
    return depth;
}

static void restore(void *context, unsigned depth)
{
    struct traced *t = context;
    t->inner.restore(t->inner.context, depth);
    forget(t, t->marks[depth]);
}

static void drop(void *context, unsigned depth)
{
    struct traced *t = context;
    t->inner.drop(t->inner.context, depth);
}

static void begin_execution(void *context)
{
    struct traced *t = context;
    t->inner.begin_execution(t->inner.context);
}

static bool grew(void *context)
{
    struct traced *t = context;
    return t->inner.grew(t->inner.context);
}

static void violation_key(void *context, char *out, size_t size)
{
    struct traced *t = context;
    t->inner.violation_key(t->inner.context, out, size);
}

int cli_fail(const struct error *e)
{
    fprintf(stderr, "%s\n", e->text);
    return (int)e->kind;
}

static struct explore_result explore(struct traced *t, const char *strategy)
{
    struct subject s = {.context = t,
                        .enabled = enabled,
                        .step = step,
                        .quiescent = quiescent,
                        .push = push,
                        .restore = restore,
                        .drop = drop,
                        .begin_execution = begin_execution,
                        .grew = grew,
                        .state = trace_hash,
                        .violation_key = violation_key};
    struct explore_options o = {.strategy = strategy,
                                .preemptions = 2,
                                .max_steps = 4000,
                                .seconds = 120,
                                .all = true,
                                .want_states = true};
    struct explore_result r;
    struct error e = {0};
    if (!explore_run(&s, &o, &r, &e))
        exit(cli_fail(&e));
    printf("# %s: %llu executions, %zu traces: %s\n", strategy, (unsigned long long)r.executions,
           r.state_count, r.claim);
    return r;
}

int main(int argc, char **argv)
{
    static struct traced t;
    struct session s = {0};
    struct options o = {.preemptions = -1, .faults = -1};
    struct error e = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: traces SCENARIO.lua\n");
        return 2;
    }
    if (!session_open(&s, &o, &argv[1], 1, &e) || !session_boot(&s, NULL, &e))
        return cli_fail(&e);
    machine_set_sharing(s.machine, true);
    t.inner = explore_machine(s.machine);
    /* The first exploration finds out what is shared; traces can be compared only behind it. */
    struct explore_result first = explore(&t, "dpor");
    struct explore_result reduced = explore(&t, "dpor");
    struct explore_result bounded = explore(&t, "bounded");
    size_t missing = 0, at = 0;
    for (size_t i = 0; i < bounded.state_count; i++) {
        bool found = false;
        for (at = 0; at < reduced.state_count && !found; at++)
            found = hash_equal(bounded.states[i], reduced.states[at]);
        missing += !found;
    }
    bool stable =
        first.complete && reduced.complete && reduced.restarts == 0 && bounded.restarts == 0;
    bool ok = stable && missing == 0;
    printf("1..1\n%s 1 - every_trace_of_few_preemptions_is_found (%s: %zu of %zu missing)\n",
           ok ? "ok" : "not ok", argv[1], missing, bounded.state_count);
    explore_free(&first);
    explore_free(&reduced);
    explore_free(&bounded);
    session_close(&s);
    return !ok;
}
