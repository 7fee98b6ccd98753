/*
 * Executions with few preemptions. A switch is a preemption when the agent that ran last could have
 * gone on; switches away from an agent that cannot are free. Most bugs need one or two preemptions
 * (Musuvathi and Qadeer, "Iterative context bounding", PLDI 2007), and schedules with few are the
 * ones that people understand.
 *
 * No partial-order reduction here: naively combined with a bound it would lose executions.
 */
#include "explore/internal.h"

#include <stdlib.h>

struct level {
    uint64_t untried; /* agents, without the present one */
    unsigned agent, last;
    unsigned used; /* preemptions before this step */
    bool last_enabled;
    struct answers answers;
    unsigned snapshot;
    size_t path;
};

typedef VEC(struct level) level_stack;

static unsigned used_behind(const struct level *l)
{
    return l->used + (l->last_enabled && l->agent != l->last);
}

/* Opens a level at the present state; false when the execution ends here. */
static bool descend(struct explorer *x, level_stack *stack, unsigned bound, uint64_t agents)
{
    const struct subject *s = x->subject;
    const struct level *above = stack->count > 0 ? &stack->data[stack->count - 1] : NULL;
    uint64_t enabled = s->enabled(s->context);
    struct level l = {.last = above != NULL ? above->agent : NO_AGENT,
                      .used = above != NULL ? used_behind(above) : 0};
    if (enabled == 0) {
        enum machine_stop stop = s->quiescent(s->context);
        if (l.used == bound)
            explorer_ended(x, stop);
        return false;
    }
    if (x->options->max_steps != 0 && stack->count >= x->options->max_steps) {
        explorer_step_limit(x);
        return false;
    }
    if (enabled & agents)
        enabled &= agents;
    l.last_enabled = l.last < 64 && (enabled & AGENT_BIT(l.last));
    l.agent = l.last_enabled ? l.last : (unsigned)__builtin_ctzll(enabled);
    l.untried = l.last_enabled && l.used == bound ? 0 : enabled & ~AGENT_BIT(l.agent);
    l.snapshot = s->push(s->context);
    l.path = x->path.count;
    vec_push(stack, l);
    return true;
}

static bool advance(struct explorer *x, level_stack *stack)
{
    const struct subject *s = x->subject;
    while (stack->count > 0) {
        struct level *l = &stack->data[stack->count - 1];
        bool more = answers_next(&l->answers);
        if (!more && l->untried != 0) {
            l->agent = (unsigned)__builtin_ctzll(l->untried);
            l->untried &= l->untried - 1;
            more = true;
        }
        if (more) {
            explorer_go_back(x, l->snapshot, l->path);
            return true;
        }
        s->drop(s->context, l->snapshot);
        free(l->answers.data);
        stack->count--;
    }
    return false;
}

void bounded_search(struct explorer *x, unsigned bound, uint64_t agents)
{
    level_stack stack = {NULL, 0, 0};
    bool more = descend(x, &stack, bound, agents);
    while (more && !x->over && !x->grown) {
        struct level *l = &stack.data[stack.count - 1];
        struct step_result r = explorer_step(x, l->agent, &l->answers, NULL);
        if (r.stop != STOP_NONE && (r.stop != STOP_VIOLATION || used_behind(l) == bound))
            explorer_ended(x, r.stop);
        if (r.stop == STOP_NONE && descend(x, &stack, bound, agents))
            continue;
        if (!x->over && !x->grown)
            more = advance(x, &stack);
    }
    while (stack.count > 0) {
        struct level *l = &stack.data[--stack.count];
        x->subject->drop(x->subject->context, l->snapshot);
        free(l->answers.data);
    }
    vec_free(&stack);
}
