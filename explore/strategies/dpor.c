/* The reduction (explore/dpor.h) as a strategy: the whole tree, by one process or several. */
#include "explore/burst.h"
#include "explore/checkpoint.h"
#include "explore/dpor.h"
#include "explore/jobs.h"
#include "explore/shard.h"

static void search(struct dpor *d, struct explorer *x)
{
    dpor_init(d, x);
    explorer_begin_round(x);
    x->measure = (struct explorer_measure){dpor_measure, d};
    bool more = dpor_descend(d);
    while (more && !x->over && !x->grown) {
        if (!dpor_take_step(d)) {
            if (!x->over && !x->grown)
                more = dpor_advance(d);
        } else {
            if (burst_wanted(x))
                burst_run(x);
            if (!x->over && jobs_wanted(d)) {
                x->measure.measure = NULL;
                jobs_run(d);
                more = false;
            }
        }
    }
    x->measure.measure = NULL;
    dpor_clear(d);
}

/* One part of the tree (explore/shard.h). */
static void search_part(struct explorer *x)
{
    struct units units = {.at = 0};
    explorer_begin_round(x);
    shard_divide(x, &units);
    if (!x->grown && !x->over)
        jobs_run_units(x, &units);
    units_free(&units);
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
    const struct explore_options *o = x->options;
    struct dpor d;
    bool again = o->resume == NULL;
    if (o->shards > 1)
        shard_prepare(x);
    if (o->resume != NULL && !resume(x, e))
        return false;
    for (; (again || x->grown) && !x->over; again = false)
        if (o->shards > 1)
            search_part(x);
        else
            search(&d, x);
    if (o->shards > 1)
        explorer_claim(x, EXPLORER_SHARE, "every interleaving of part %u of %u explored", o->shard, o->shards);
    else
        explorer_claim(x, EXPLORER_ALL, "every interleaving explored");
    return true;
}

const struct strategy strategy_dpor = {
    "dpor", "every inequivalent interleaving: wakeup trees and sleep sets (the default)", run};
