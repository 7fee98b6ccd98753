/* Bounds kept by a test (within.h). */
#include "tests/litmus/within.h"

#define MAX_DEPTH 100000

struct used {
    unsigned timers, interrupts;
};

static struct {
    struct subject inner;
    struct machine_bounds bounds;
    struct used now, marks[MAX_DEPTH];
} w;

static struct machine *machine_of(void)
{
    return w.inner.context;
}

/* Whether agent 0's step is the clock's: its processor has nothing else to do. */
static bool clock_is_due(uint64_t mask)
{
    const struct vcpu *c = machine_cpu(machine_of(), 0);
    return (mask & 1) && c->state == VCPU_HALTED && c->pending == 0;
}

static bool arrives_early(uint64_t mask, unsigned agent)
{
    unsigned cpu = agent - AGENT_ARRIVAL;
    return (mask >> cpu & 1) && !(cpu == 0 && clock_is_due(mask));
}

static bool spent(struct machine_bound b, unsigned used)
{
    return b.on && used >= b.most;
}

static uint64_t enabled(void *context)
{
    (void)context;
    uint64_t all = w.inner.enabled(machine_of()), mask = all;
    for (unsigned agent = AGENT_ARRIVAL; agent < MACHINE_AGENTS; agent++)
        if ((all >> agent & 1) && arrives_early(all, agent) && spent(w.bounds.interrupts, w.now.interrupts))
            mask &= ~(1ull << agent);
    if (clock_is_due(all) && (mask & ~1ull) != 0 && spent(w.bounds.timers, w.now.timers))
        mask &= ~1ull;
    return mask;
}

static struct step_result step(void *context, unsigned agent, const struct decider *decider)
{
    uint64_t all = w.inner.enabled(machine_of());
    if (agent >= AGENT_ARRIVAL)
        w.now.interrupts += arrives_early(all, agent);
    if (agent == 0 && clock_is_due(all))
        w.now.timers += (enabled(context) & ~1ull) != 0;
    return w.inner.step(machine_of(), agent, decider);
}

static enum machine_stop quiescent(void *context)
{
    (void)context;
    return w.inner.quiescent(machine_of());
}

static unsigned push(void *context)
{
    (void)context;
    unsigned depth = w.inner.push(machine_of());
    RD_ASSERT(depth < MAX_DEPTH);
    w.marks[depth] = w.now;
    return depth;
}

static void restore(void *context, unsigned depth)
{
    (void)context;
    w.inner.restore(machine_of(), depth);
    w.now = w.marks[depth];
}

static void drop(void *context, unsigned depth)
{
    (void)context;
    w.inner.drop(machine_of(), depth);
}

static void begin_execution(void *context)
{
    (void)context;
    w.inner.begin_execution(machine_of());
}

static bool grew(void *context)
{
    (void)context;
    return w.inner.grew(machine_of());
}

struct subject within_bounds(struct machine *m, const struct machine_bounds *bounds)
{
    w.inner = explore_machine(m);
    w.bounds = *bounds;
    w.now = (struct used){0, 0};
    return (struct subject){.context = &w,
                            .enabled = enabled,
                            .step = step,
                            .quiescent = quiescent,
                            .push = push,
                            .restore = restore,
                            .drop = drop,
                            .begin_execution = begin_execution,
                            .grew = grew};
}
