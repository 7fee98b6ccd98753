/*
 * Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatti, "A randomized
 * scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010). Agents get random
 * priorities and the enabled one with the highest runs; at depth - 1 random places the running one
 * drops below all others. A bug that needs d ordering constraints is found in one execution with
 * probability at least 1 / (n k^(d-1)), where k counts steps, which here end only at shared
 * locations.
 *
 * k is the longest execution so far; the first one runs without drops. The claim prints the bound for
 * the largest n and k that were met; agents that only stand for the arrival of an interrupt count.
 */
#include "explore/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_DEPTH 3
#define MAX_DEPTH 16

struct priorities {
    uint64_t of[64]; /* 0: not yet seen */
    uint64_t drops[MAX_DEPTH];
    unsigned drop_count;
};

static unsigned highest(struct explorer *x, struct priorities *p, uint64_t enabled)
{
    unsigned best = NO_AGENT;
    for (; enabled != 0; enabled &= enabled - 1) {
        unsigned agent = (unsigned)__builtin_ctzll(enabled);
        /* Above every priority that a drop gives. */
        if (p->of[agent] == 0)
            p->of[agent] = MAX_DEPTH + 1 + (rng_next(&x->rng) >> 8);
        if (best == NO_AGENT || p->of[agent] > p->of[best])
            best = agent;
    }
    return best;
}

/* Drops due before this step; the first place gives the lowest priority. */
static bool drop(struct priorities *p, uint64_t step, unsigned agent)
{
    bool dropped = false;
    for (unsigned i = 0; i < p->drop_count; i++)
        if (p->drops[i] == step) {
            p->drops[i] = UINT64_MAX;
            p->of[agent] = i + 1;
            dropped = true;
        }
    return dropped;
}

static unsigned seen(const struct priorities *p)
{
    unsigned agents = 0;
    for (unsigned agent = 0; agent < 64; agent++)
        agents += p->of[agent] != 0;
    return agents;
}

/* Returns how many agents took part. */
static unsigned execute(struct explorer *x, unsigned depth)
{
    struct priorities p;
    struct answers answers = {NULL, 0, 0};
    memset(&p, 0, sizeof p);
    explorer_begin(x);
    for (unsigned i = 0; i + 1 < depth && x->result->max_depth > 0; i++)
        p.drops[p.drop_count++] = rng_below(&x->rng, x->result->max_depth);
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
        unsigned agent = highest(x, &p, enabled);
        if (drop(&p, step, agent))
            agent = highest(x, &p, enabled);
        answers.count = 0;
        struct step_result r = explorer_step(x, agent, &answers, &x->rng);
        if (r.stop != STOP_NONE) {
            explorer_ended(x, r.stop);
            break;
        }
    }
    free(answers.data);
    return seen(&p);
}

/* What the paper guarantees for one execution, with the largest n and k that were met. */
static double guarantee(unsigned agents, uint64_t steps, unsigned depth)
{
    double p = agents != 0 ? 1.0 / agents : 1;
    for (unsigned i = 1; i < depth && steps > 1; i++)
        p /= (double)steps;
    return p;
}

static bool run(struct explorer *x, struct error *e)
{
    unsigned depth = x->options->depth != 0 ? x->options->depth : DEFAULT_DEPTH;
    if (x->options->max_executions == 0 && x->options->seconds <= 0)
        return error_set(e, ERROR_INPUT,
                         "strategy pct needs a number of executions or a time limit");
    if (depth > MAX_DEPTH)
        return error_set(e, ERROR_INPUT, "strategy pct: depth %u is too large (at most %u)", depth,
                         MAX_DEPTH);
    unsigned agents = 0;
    while (!x->over) {
        unsigned n = execute(x, depth);
        if (n > agents)
            agents = n;
    }
    explorer_claim(x, EXPLORER_SAMPLE,
                   "%" PRIu64 " executions sampled (pct, depth %u, seed %" PRIu64
                   "), each meets a bug of that depth with probability >= %.1e",
                   x->result->executions, depth, x->options->seed,
                   guarantee(agents, x->result->max_depth, depth));
    return true;
}

const struct strategy strategy_pct = {
    "pct", "random priorities with few random drops; needs --executions or --time", run};
