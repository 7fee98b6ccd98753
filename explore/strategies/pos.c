/*
 * Partial order sampling (Yuan, Yang and Gu, "Partial order aware concurrency sampling", CAV 2018).
 * Every pending step gets a random priority and the highest runs; the pending steps that conflict
 * with the one that ran draw again. So each order of two conflicting steps is about equally likely,
 * however many steps lie around them, where a random walk favours the few orders that most
 * interleavings share.
 *
 * What a pending step touches is found out by taking it and going back. That stays true until a
 * step that conflicts with it has run, so each step is tried about once before it is taken.
 */
#include "explore/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct pending {
    bool known;
    uint64_t priority;
    struct footprint footprint;
};

struct sampling {
    struct explorer *x;
    struct pending of[64];
};

static uint32_t answer_at_random(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    (void)agent;
    (void)kind;
    return (uint32_t)rng_below(context, n);
}

static void forget(struct pending *p)
{
    if (p->known)
        footprint_free(&p->footprint);
    p->known = false;
}

/* Tries the agent's next step and goes back. */
static void look_ahead(struct sampling *s, unsigned agent)
{
    const struct subject *subject = s->x->subject;
    struct decider decider = {&s->x->rng, answer_at_random};
    unsigned here = subject->push(subject->context);
    struct step_result r = subject->step(subject->context, agent, &decider);
    struct pending *p = &s->of[agent];
    p->known = true;
    p->priority = rng_next(&s->x->rng);
    p->footprint = footprint_copy(r.footprint, r.footprint_count);
    subject->restore(subject->context, here);
    subject->drop(subject->context, here);
}

static unsigned highest(struct sampling *s, uint64_t enabled)
{
    unsigned best = NO_AGENT;
    if ((enabled & (enabled - 1)) == 0)
        return (unsigned)__builtin_ctzll(enabled);
    for (; enabled != 0; enabled &= enabled - 1) {
        unsigned agent = (unsigned)__builtin_ctzll(enabled);
        if (!s->of[agent].known)
            look_ahead(s, agent);
        if (best == NO_AGENT || s->of[agent].priority > s->of[best].priority)
            best = agent;
    }
    return best;
}

static void draw_again(struct sampling *s, unsigned agent, const struct step_result *r)
{
    struct footprint taken = footprint_copy(r->footprint, r->footprint_count);
    forget(&s->of[agent]);
    for (unsigned other = 0; other < 64; other++)
        if (s->of[other].known && footprint_conflict(&s->of[other].footprint, &taken))
            forget(&s->of[other]);
    footprint_free(&taken);
}

static void execute(struct explorer *x)
{
    struct sampling s = {.x = x};
    struct answers answers = {NULL, 0, 0};
    explorer_begin(x);
    for (uint64_t step = 0; !x->over; step++) {
        uint64_t enabled = x->subject->enabled(x->subject->context);
        if (enabled == 0) {
            explorer_ended(x, x->subject->quiescent(x->subject->context));
            break;
        }
        if (x->options->max_steps != 0 && step >= x->options->max_steps) {
            explorer_step_limit(x);
            break;
        }
        unsigned agent = highest(&s, enabled);
        answers.count = 0;
        struct step_result r = explorer_step(x, agent, &answers, &x->rng);
        if (r.stop != STOP_NONE) {
            explorer_ended(x, r.stop);
            break;
        }
        draw_again(&s, agent, &r);
    }
    for (unsigned agent = 0; agent < 64; agent++)
        forget(&s.of[agent]);
    free(answers.data);
}

static bool run(struct explorer *x, struct error *e)
{
    if (x->options->max_executions == 0 && x->options->seconds <= 0)
        return error_set(e, ERROR_INPUT,
                         "strategy pos needs a number of executions or a time limit");
    while (!x->over)
        execute(x);
    explorer_claim(x, EXPLORER_SAMPLE, "%" PRIu64 " executions sampled (pos, seed %" PRIu64 ")",
                   x->result->executions, x->options->seed);
    return true;
}

const struct strategy strategy_pos = {
    "pos", "partial order sampling: conflicting steps in random order; needs --executions or --time",
    run};
