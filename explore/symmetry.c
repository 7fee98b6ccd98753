/*
 * A subject that lets equal agents act in one order only (explore/symmetry.h). To the reduction it is a program in which
 * the K-th step of one agent enables that of the next in its group: nobody takes that back, so it races with nothing.
 */
#include "explore/symmetry.h"

#include "base/vec.h"
#include "explore/internal.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS 64
#define TRIAL_STEPS 5000u
/* Stands among what other processes are told to share: no granule has this number. */
#define TOLD_APART (~0ull)

struct counts {
    uint32_t steps[MEMBERS];
};

struct group {
    uint64_t agents;
    uint32_t turn; /* the step that they take in order, from 1; 0: they may take any */
};

struct symmetry {
    struct subject inner;
    struct group groups[SYMMETRY_GROUPS];
    unsigned count;
    bool known, off;
    struct counts now;
    VEC(struct counts) saved; /* by snapshot */
    VEC(struct footprint_entry) footprint;
};

static int group_of(const struct symmetry *s, unsigned agent)
{
    for (unsigned g = 0; g < s->count; g++)
        if (s->groups[g].agents & AGENT_BIT(agent))
            return (int)g;
    return -1;
}

/* Those whose next step is the one that the agent before them has still to take. */
static uint64_t held(const struct symmetry *s)
{
    uint64_t mask = 0;
    for (unsigned g = 0; g < s->count && !s->off; g++) {
        uint32_t turn = s->groups[g].turn;
        unsigned before = NO_AGENT;
        for (uint64_t left = s->groups[g].agents; left != 0 && turn != 0; left &= left - 1) {
            unsigned agent = (unsigned)__builtin_ctzll(left);
            if (before != NO_AGENT && s->now.steps[agent] == turn - 1 && s->now.steps[before] < turn)
                mask |= AGENT_BIT(agent);
            before = agent;
        }
    }
    return mask;
}

static uint64_t enabled(void *context)
{
    struct symmetry *s = context;
    return s->inner.enabled(s->inner.context) & ~held(s);
}

/* Nobody is left but those who wait for a turn that does not come. With the agents in another order it does. */
static bool redundant(void *context)
{
    struct symmetry *s = context;
    return (s->inner.enabled(s->inner.context) & held(s)) != 0;
}

/* All K-th steps of a group write one key, so that they are ordered as they were let go. */
static void add_turn(struct symmetry *s, unsigned group, struct step_result *r)
{
    uint64_t key = FOOTPRINT_TURN | group;
    unsigned i = 0;
    s->footprint.count = 0;
    for (; i < r->footprint_count && r->footprint[i].key < key; i++)
        vec_push(&s->footprint, r->footprint[i]);
    vec_push(&s->footprint, (struct footprint_entry){.key = key, .access = ACCESS_WRITE});
    for (; i < r->footprint_count; i++)
        vec_push(&s->footprint, r->footprint[i]);
    r->footprint = s->footprint.data;
    r->footprint_count = (unsigned)s->footprint.count;
}

static struct step_result step(void *context, unsigned agent, const struct decider *decider)
{
    struct symmetry *s = context;
    struct step_result r = s->inner.step(s->inner.context, agent, decider);
    int g = group_of(s, agent);
    if (g >= 0 && ++s->now.steps[agent] == s->groups[g].turn && !s->off)
        add_turn(s, (unsigned)g, &r);
    return r;
}

static enum machine_stop quiescent(void *context)
{
    struct symmetry *s = context;
    return redundant(s) ? STOP_END : s->inner.quiescent(s->inner.context);
}

static unsigned push(void *context)
{
    struct symmetry *s = context;
    unsigned depth = s->inner.push(s->inner.context);
    vec_reserve(&s->saved, depth + 1);
    s->saved.data[depth] = s->now;
    return depth;
}

static void restore(void *context, unsigned depth)
{
    struct symmetry *s = context;
    s->inner.restore(s->inner.context, depth);
    if (depth < s->saved.capacity)
        s->now = s->saved.data[depth];
}

static void drop(void *context, unsigned depth)
{
    struct symmetry *s = context;
    s->inner.drop(s->inner.context, depth);
}

static bool told_apart(const struct symmetry *s)
{
    return s->inner.told_apart != NULL && s->inner.told_apart(s->inner.context);
}

/* ---- the turns ---- */

struct seen {
    unsigned agent;
    struct footprint footprint;
};
typedef VEC(struct seen) seen_list;

static uint32_t first_choice(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    (void)context, (void)agent, (void)kind, (void)n;
    return 0;
}

/* One execution, each agent as long as it can. */
static void watch_one(struct symmetry *s, seen_list *seen)
{
    const struct decider decider = {NULL, first_choice};
    unsigned here = s->inner.push(s->inner.context), agent = 0;
    uint64_t able;
    while (seen->count < TRIAL_STEPS && (able = s->inner.enabled(s->inner.context)) != 0) {
        if (!(able & AGENT_BIT(agent)))
            agent = (unsigned)__builtin_ctzll(able);
        struct step_result r = s->inner.step(s->inner.context, agent, &decider);
        vec_push(seen, (struct seen){agent, footprint_copy(r.footprint, r.footprint_count)});
        if (r.stop != STOP_NONE)
            break;
    }
    s->inner.restore(s->inner.context, here);
    s->inner.drop(s->inner.context, here);
}

static const struct footprint *nth(const seen_list *seen, unsigned agent, uint32_t n)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->data[i].agent == agent && --n == 0)
            return &seen->data[i].footprint;
    return NULL;
}

/* The first step that all of the group take and that conflicts with another's. */
static uint32_t turn_of(const seen_list *seen, uint64_t agents)
{
    for (uint32_t turn = 1;; turn++) {
        const struct footprint *list[MEMBERS];
        unsigned count = 0;
        for (uint64_t left = agents; left != 0; left &= left - 1) {
            list[count] = nth(seen, (unsigned)__builtin_ctzll(left), turn);
            if (list[count++] == NULL)
                return 0;
        }
        for (unsigned i = 1; i < count; i++)
            for (unsigned j = 0; j < i; j++)
                if (footprint_conflict(list[i], list[j]))
                    return turn;
    }
}

/* Where steps end depends on what is known to be shared, so the turns are found again when that grows. */
static void begin_execution(void *context)
{
    struct symmetry *s = context;
    bool again = !s->known || s->inner.grew(s->inner.context);
    s->off |= told_apart(s);
    s->inner.begin_execution(s->inner.context);
    if (!again || s->off)
        return;
    seen_list seen = {NULL, 0, 0};
    watch_one(s, &seen);
    for (unsigned g = 0; g < s->count; g++)
        s->groups[g].turn = turn_of(&seen, s->groups[g].agents);
    for (size_t i = 0; i < seen.count; i++)
        footprint_free(&seen.data[i].footprint);
    vec_free(&seen);
    s->known = true;
}

/* ---- what is shared ---- */

static bool grew(void *context)
{
    struct symmetry *s = context;
    return s->inner.grew(s->inner.context) || (told_apart(s) && !s->off);
}

static size_t with_mark(const struct symmetry *s, size_t count, uint64_t **list)
{
    if (!told_apart(s) && !s->off)
        return count;
    *list = realloc(*list, (count + 1) * sizeof **list);
    RD_ASSERT(*list != NULL);
    (*list)[count] = TOLD_APART;
    return count + 1;
}

static size_t found(void *context, uint64_t **out)
{
    struct symmetry *s = context;
    *out = NULL;
    return with_mark(s, s->inner.found != NULL ? s->inner.found(s->inner.context, out) : 0, out);
}

static size_t shared(void *context, uint64_t **out)
{
    struct symmetry *s = context;
    *out = NULL;
    return with_mark(s, s->inner.shared != NULL ? s->inner.shared(s->inner.context, out) : 0, out);
}

static void share(void *context, const uint64_t *list, size_t count)
{
    struct symmetry *s = context;
    uint64_t *rest = malloc((count + 1) * sizeof *rest);
    size_t n = 0;
    RD_ASSERT(rest != NULL);
    for (size_t i = 0; i < count; i++)
        if (list[i] != TOLD_APART)
            rest[n++] = list[i];
    s->off |= n < count;
    s->known = false;
    if (s->inner.share != NULL)
        s->inner.share(s->inner.context, rest, n);
    free(rest);
}

static struct hash128 state(void *context)
{
    struct symmetry *s = context;
    return s->inner.state(s->inner.context);
}

static void violation_key(void *context, char *out, size_t size)
{
    struct symmetry *s = context;
    s->inner.violation_key(s->inner.context, out, size);
}

struct symmetry *symmetry_open(const struct subject *inner, const uint64_t *groups, unsigned count)
{
    struct symmetry *s = calloc(1, sizeof *s);
    RD_ASSERT(s != NULL && count <= SYMMETRY_GROUPS);
    s->inner = *inner;
    s->count = count;
    for (unsigned g = 0; g < count; g++)
        s->groups[g].agents = groups[g];
    return s;
}

bool symmetry_used(const struct symmetry *s)
{
    for (unsigned g = 0; g < s->count && !s->off; g++)
        if (s->groups[g].turn != 0)
            return true;
    return false;
}

struct subject symmetry_subject(struct symmetry *s)
{
    return (struct subject){
        .context = s,
        .enabled = enabled,
        .step = step,
        .quiescent = quiescent,
        .push = push,
        .restore = restore,
        .drop = drop,
        .begin_execution = begin_execution,
        .grew = grew,
        .redundant = redundant,
        .found = found,
        .share = share,
        .shared = shared,
        .state = state,
        .violation_key = violation_key,
    };
}

void symmetry_close(struct symmetry *s)
{
    if (s == NULL)
        return;
    vec_free(&s->saved);
    vec_free(&s->footprint);
    free(s);
}
