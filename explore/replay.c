/* Schedules played again: strictly, where every decision must fit (a failure file), or tolerantly,
 * where what does not fit is passed over (minimisation, schedules from before the shared set grew).
 */
#include "explore/internal.h"

#include <stdlib.h>
#include <string.h>

#define TOLERANT_STEPS 4000000 /* an execution that is longer has lost its way */
#define TURN 1000              /* steps that one agent gets in a row behind the schedule's end */

unsigned schedule_switches(const struct schedule *s)
{
    unsigned switches = 0, last = NO_AGENT;
    for (size_t i = 0; i < s->count; i++) {
        if (s->data[i].is_choice)
            continue;
        switches += last != NO_AGENT && last != s->data[i].agent;
        last = s->data[i].agent;
    }
    return switches;
}

unsigned schedule_steps(const struct schedule *s)
{
    unsigned steps = 0;
    for (size_t i = 0; i < s->count; i++)
        steps += !s->data[i].is_choice;
    return steps;
}

void schedule_assign(struct schedule *to, const struct schedule *from)
{
    to->count = 0;
    vec_reserve(to, from->count);
    if (from->count > 0)
        memcpy(to->data, from->data, from->count * sizeof *from->data);
    to->count = from->count;
}

struct player {
    const struct schedule *schedule;
    size_t next;
    size_t bad; /* strict: 1 + the decision that did not fit the question asked */
    struct schedule *taken;
};

static uint32_t play_answer(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    struct player *p = context;
    uint32_t value = 0;
    (void)kind;
    RD_ASSERT(n > 0);
    if (p->next < p->schedule->count && p->schedule->data[p->next].is_choice) {
        value = p->schedule->data[p->next].value;
        if (value >= n) {
            p->bad = p->bad != 0 ? p->bad : p->next + 1;
            value = n - 1;
        }
        p->next++;
    } else {
        p->bad = p->bad != 0 ? p->bad : p->next + 1;
    }
    if (p->taken != NULL)
        vec_push(p->taken, (struct decision){1, (uint8_t)agent, (uint16_t)value});
    return value;
}

static struct step_result play_step(const struct subject *s, struct player *p, unsigned agent)
{
    struct decider decider = {p, play_answer};
    if (p->taken != NULL)
        vec_push(p->taken, (struct decision){0, (uint8_t)agent, 0});
    return s->step(s->context, agent, &decider);
}

/* The fixed order behind the schedule's end: the agent that ran last goes on, for fairness not for
 * ever. */
static unsigned fair_agent(uint64_t enabled, unsigned last, unsigned *turn)
{
    if (last < 64 && (enabled & AGENT_BIT(last)) && (*turn)++ < TURN)
        return last;
    *turn = 0;
    unsigned from = last < 64 ? last + 1 : 0;
    uint64_t above = from < 64 ? enabled & ~(AGENT_BIT(from) - 1) : 0;
    return (unsigned)__builtin_ctzll(above != 0 ? above : enabled);
}

static enum machine_stop go_on(const struct subject *s, struct player *p, unsigned last,
                               size_t max_steps)
{
    unsigned turn = 0;
    for (size_t step = 0; step < max_steps; step++) {
        uint64_t enabled = s->enabled(s->context);
        if (enabled == 0)
            return s->quiescent(s->context);
        last = fair_agent(enabled, last, &turn);
        struct step_result r = play_step(s, p, last);
        if (r.stop != STOP_NONE)
            return r.stop;
    }
    return STOP_LIMIT;
}

/* The schedule's decisions as far as they fit; STOP_NONE when the run goes on behind them. */
static enum machine_stop play(const struct subject *s, struct player *p, size_t max_steps,
                              unsigned *last, size_t *steps)
{
    while (p->next < p->schedule->count) {
        struct decision d = p->schedule->data[p->next++];
        if (d.is_choice || d.agent >= 64 || !(s->enabled(s->context) & AGENT_BIT(d.agent)))
            continue;
        struct step_result r = play_step(s, p, d.agent);
        *last = d.agent;
        if (r.stop != STOP_NONE)
            return r.stop;
        if (++*steps >= max_steps)
            return STOP_LIMIT;
    }
    return STOP_NONE;
}

enum machine_stop replay_tolerant(const struct subject *s, const struct schedule *schedule,
                                  size_t max_steps, struct schedule *taken)
{
    struct player p = {schedule, 0, 0, taken};
    unsigned last = NO_AGENT;
    size_t steps = 0;
    enum machine_stop stop = play(s, &p, max_steps, &last, &steps);
    return stop != STOP_NONE ? stop : go_on(s, &p, last, max_steps - steps);
}

enum machine_stop replay_part(const struct subject *s, const struct schedule *schedule)
{
    struct player p = {schedule, 0, 0, NULL};
    unsigned last = NO_AGENT;
    size_t steps = 0;
    return play(s, &p, schedule->count + 1, &last, &steps);
}

static enum machine_stop mismatch(struct error *e, size_t decision, const char *what)
{
    error_set(e, ERROR_INPUT, "the schedule does not fit this run: decision %zu %s", decision,
              what);
    return STOP_NONE;
}

static enum machine_stop replay_strict(const struct subject *s, const struct schedule *schedule,
                                       struct error *e)
{
    struct player p = {schedule, 0, 0, NULL};
    while (p.next < schedule->count) {
        size_t number = p.next + 1;
        struct decision d = schedule->data[p.next++];
        if (d.is_choice)
            return mismatch(e, number, "answers a question that was not asked");
        if (d.agent >= 64 || !(s->enabled(s->context) & AGENT_BIT(d.agent)))
            return mismatch(e, number, "steps an agent that is not enabled");
        struct step_result r = play_step(s, &p, d.agent);
        if (p.bad != 0)
            return mismatch(e, p.bad, "does not answer the question that was asked");
        if (r.stop != STOP_NONE) {
            if (p.next < schedule->count)
                return mismatch(e, p.next + 1, "comes after the end of the run");
            return r.stop;
        }
    }
    if (s->enabled(s->context) != 0)
        return mismatch(e, schedule->count + 1,
                        "is missing: the run goes on behind the schedule's end");
    return s->quiescent(s->context);
}

enum machine_stop explore_replay(const struct subject *s, const struct schedule *schedule,
                                 bool tolerant, struct error *e)
{
    return tolerant ? replay_tolerant(s, schedule, TOLERANT_STEPS, NULL)
                    : replay_strict(s, schedule, e);
}
