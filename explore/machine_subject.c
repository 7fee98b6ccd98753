/* The real machine as a subject of exploration. A violation is known by its rule, its bugcheck code
 * and where the culprit stood. */
#include "explore/explore.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t enabled(void *context)
{
    return machine_enabled(context);
}

static struct step_result step(void *context, unsigned agent, const struct decider *decider)
{
    machine_set_decider(context, decider);
    return machine_step(context, agent);
}

static enum machine_stop quiescent(void *context)
{
    return machine_quiescent(context);
}

static unsigned push(void *context)
{
    return machine_push(context);
}

static void restore(void *context, unsigned depth)
{
    machine_restore(context, depth);
}

static void drop(void *context, unsigned depth)
{
    machine_drop(context, depth);
}

static void begin_execution(void *context)
{
    machine_begin_execution(context);
}

static bool grew(void *context)
{
    return machine_sharing_grew(context);
}

static size_t found(void *context, uint64_t **out)
{
    return machine_share_found(context, out);
}

static void share(void *context, const uint64_t *granules, size_t count)
{
    machine_share_add(context, granules, count);
}

static size_t shared(void *context, uint64_t **out)
{
    return machine_share_list(context, out);
}

static bool told_apart(void *context)
{
    return machine_told_apart(context);
}

static struct hash128 state(void *context)
{
    return machine_state_hash(context);
}

static void violation_key(void *context, char *out, size_t size)
{
    const struct violation *v = machine_violation(context);
    RD_ASSERT(v != NULL);
    snprintf(out, size, "%s %x %" PRIx64, v->rule, v->code, v->trouble.regs.rip);
}

struct subject explore_machine(struct machine *m)
{
    return (struct subject){
        .context = m,
        .enabled = enabled,
        .step = step,
        .quiescent = quiescent,
        .push = push,
        .restore = restore,
        .drop = drop,
        .begin_execution = begin_execution,
        .grew = grew,
        .found = found,
        .share = share,
        .shared = shared,
        .told_apart = told_apart,
        .state = state,
        .violation_key = violation_key,
    };
}
