/* Random walks: at each step an agent is drawn uniformly from the enabled ones, and each choice is
 * answered uniformly. Steps end only at shared locations, so private work does not thin the draws
 * out. */
#include "explore/internal.h"

#include <inttypes.h>
#include <stdlib.h>

static unsigned draw(struct rng *rng, uint64_t mask)
{
    uint64_t skip = rng_below(rng, (uint64_t)__builtin_popcountll(mask));
    while (skip-- > 0)
        mask &= mask - 1;
    return (unsigned)__builtin_ctzll(mask);
}

static void walk(struct explorer *x)
{
    struct answers answers = {NULL, 0, 0};
    explorer_begin(x);
    for (uint64_t steps = 0; !x->over; steps++) {
        uint64_t enabled = x->subject->enabled(x->subject->context);
        if (enabled == 0) {
            explorer_ended(x, x->subject->quiescent(x->subject->context));
            break;
        }
        if (x->options->max_steps != 0 && steps >= x->options->max_steps) {
            explorer_step_limit(x);
            break;
        }
        answers.count = 0;
        struct step_result r = explorer_step(x, draw(&x->rng, enabled), &answers, &x->rng);
        if (r.stop != STOP_NONE) {
            explorer_ended(x, r.stop);
            break;
        }
    }
    free(answers.data);
}

static bool run(struct explorer *x, struct error *e)
{
    if (x->options->max_executions == 0 && x->options->seconds <= 0)
        return error_set(e, ERROR_INPUT,
                         "strategy random needs a number of executions or a time limit");
    while (!x->over)
        walk(x);
    explorer_claim(x, EXPLORER_SAMPLE, "%" PRIu64 " executions sampled (random, seed %" PRIu64 ")",
                   x->result->executions, x->options->seed);
    return true;
}

const struct strategy strategy_random = {
    "random", "random walks: a uniformly drawn agent at each step; needs --executions or --time",
    run};
