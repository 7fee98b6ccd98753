/* The reduction (explore/dpor.h) as a strategy: the whole tree, by one process or several. */
#include "explore/checkpoint.h"
#include "explore/dpor.h"
#include "explore/jobs.h"

static void search(struct dpor *d, struct explorer *x)
{
    dpor_init(d, x);
    explorer_begin_round(x);
    bool more = dpor_descend(d);
    while (more && !x->over && !x->grown) {
        if (!dpor_take_step(d)) {
            if (!x->over && !x->grown)
                more = dpor_advance(d);
        } else if (jobs_wanted(d)) {
            jobs_run(d);
            more = false;
        }
    }
    dpor_clear(d);
}

/* Goes on where a checkpoint stood. */
static bool resume(struct explorer *x, struct error *e)
{
    struct units units = {.at = 0};
    bool ok = checkpoint_read(x->options->resume, x, &units, e);
    if (ok && !x->over) {
        uint64_t restarts = x->result->restarts;
        explorer_begin(x);
        x->result->restarts = restarts;
        jobs_run_units(x, &units);
    }
    units_free(&units);
    return ok;
}

static bool run(struct explorer *x, struct error *e)
{
    struct dpor d;
    if (x->options->resume != NULL && !resume(x, e))
        return false;
    if (x->options->resume == NULL)
        search(&d, x);
    while (x->grown && !x->over)
        search(&d, x);
    explorer_claim(x, EXPLORER_ALL, "every interleaving explored");
    return true;
}

const struct strategy strategy_dpor = {
    "dpor", "every inequivalent interleaving: source sets and sleep sets (the default)", run};
