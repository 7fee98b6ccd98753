/* All executions with no preemption, then with one, two, ... up to the bound: counterexamples come
 * with the fewest preemptions that they need, and the claim names the bound. */
#include "explore/internal.h"

static bool run(struct explorer *x, struct error *e)
{
    (void)e;
    unsigned bound = 0;
    explorer_begin_round(x);
    while (!x->over) {
        bounded_search(x, bound, ~0ull);
        if (x->over || (!x->grown && bound == x->options->preemptions))
            break;
        bound = x->grown ? 0 : bound + 1;
        explorer_begin_round(x);
    }
    explorer_claim(x, EXPLORER_SHARE, "every interleaving with at most %u preemption%s explored",
                   bound, bound == 1 ? "" : "s");
    return true;
}

const struct strategy strategy_bounded = {
    "bounded",
    "every interleaving with at most --preemptions of them, fewest first, without reduction", run};
