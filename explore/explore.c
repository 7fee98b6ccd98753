/*
 * One exploration: options, limits, counts, the violations found and the claim. The rule that it
 * keeps: the claim never says more than was done, so completeness has to be asserted by the
 * strategy *and* survive every reason to doubt it (a limit, a step limit, a stop that was not the
 * subject's).
 */
#include "explore/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explore/internal.h"
#include "explore/worker.h"

#define CLOCK_INTERVAL 64 /* steps between two looks at the clock */
#define PROGRESS_SECONDS 0.5

double explorer_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void explorer_stop(struct explorer *x, const char *reason)
{
    if (!x->over)
        snprintf(x->reason, sizeof x->reason, "%s", reason);
    x->over = true;
    x->cut = true;
}

static void look_at_clock(struct explorer *x)
{
    if (x->clock_countdown-- > 0)
        return;
    x->clock_countdown = CLOCK_INTERVAL;
    if (x->board != NULL)
        atomic_fetch_add_explicit(&x->board->steps, CLOCK_INTERVAL, memory_order_relaxed);
    else
        explorer_tick(x);
}

bool explorer_progress_due(const struct explorer *x)
{
    return x->options->progress != NULL && explorer_now() >= x->next_progress;
}

void explorer_tick(struct explorer *x)
{
    double t = explorer_now();
    if (x->options->seconds > 0 && t - x->started >= x->options->seconds)
        explorer_stop(x, "time limit reached");
    if (x->options->progress != NULL && t >= x->next_progress) {
        x->next_progress = t + PROGRESS_SECONDS;
        if (x->measure.measure != NULL)
            x->measure.measure(x->measure.context, &x->result->done, &x->result->frontier);
        x->options->progress(x->options->progress_context, x->result);
    }
}

void explorer_begin_round(struct explorer *x)
{
    if (x->grown) {
        /* What was doubtful or cut has been explored in vain anyway. */
        x->cut = false;
        x->reason[0] = 0;
        x->result->step_limit_hit = false;
        x->result->voided += x->result->executions + x->result->blocked;
        x->result->executions = x->result->blocked = x->result->steps = 0;
    }
    explorer_begin(x);
}

void explorer_begin(struct explorer *x)
{
    x->subject->restore(x->subject->context, x->root);
    if (!x->frozen)
        x->subject->begin_execution(x->subject->context);
    x->result->restarts += x->grown;
    x->path.count = 0;
    x->grown = false;
}

struct asking {
    struct explorer *x;
    struct answers *answers;
    struct rng *rng;
    size_t given, asked;
};

static uint32_t answer_question(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    struct asking *a = context;
    (void)kind;
    RD_ASSERT(n > 0 && n <= UINT16_MAX);
    if (a->asked < a->given) {
        /* A step is a function of the state: asked again, it asks the same. */
        RD_ASSERT(a->answers->data[a->asked].limit == n);
    } else {
        uint16_t value = a->rng != NULL ? (uint16_t)rng_below(a->rng, n) : 0;
        vec_push(a->answers, (struct answer){value, (uint16_t)n});
    }
    uint16_t value = a->answers->data[a->asked++].value;
    vec_push(&a->x->path, (struct decision){1, (uint8_t)agent, value});
    return value;
}

struct step_result explorer_step(struct explorer *x, unsigned agent, struct answers *answers,
                                 struct rng *rng)
{
    struct asking asking = {x, answers, rng, answers->count, 0};
    struct decider decider = {&asking, answer_question};
    vec_push(&x->path, (struct decision){0, (uint8_t)agent, 0});
    struct step_result r = x->subject->step(x->subject->context, agent, &decider);
    RD_ASSERT(asking.asked == answers->count);
    x->result->steps += !x->repeating;
    look_at_clock(x);
    return r;
}

void explorer_go_back(struct explorer *x, unsigned snapshot, size_t path)
{
    x->subject->restore(x->subject->context, snapshot);
    x->path.count = path;
}

void explorer_violation(struct explorer *x, const char *key, const struct schedule *schedule,
                        uint64_t count)
{
    struct explore_result *r = x->result;
    if (r->to_first == 0)
        r->to_first = r->voided + r->executions;
    size_t i = 0;
    while (i < r->violation_count && strcmp(r->violations[i].key, key) != 0)
        i++;
    if (i == r->violation_count) {
        r->violations = realloc(r->violations, (i + 1) * sizeof *r->violations);
        RD_ASSERT(r->violations != NULL);
        r->violations[i] = (struct explore_violation){.count = 0};
        snprintf(r->violations[i].key, sizeof r->violations[i].key, "%s", key);
        r->violation_count++;
        vec_push(&x->violation_round, r->restarts);
        schedule_assign(&r->violations[i].schedule, schedule);
    } else if (x->violation_round.data[i] != r->restarts) {
        /* Sharing decides where steps end, so a schedule from before it grew would not replay now.
         */
        x->violation_round.data[i] = r->restarts;
        schedule_assign(&r->violations[i].schedule, schedule);
    }
    r->violations[i].count += count;
    if (x->wanted != NULL ? strcmp(x->wanted, key) == 0 : !x->options->all)
        x->over = true;
}

static void record_violation(struct explorer *x)
{
    char key[sizeof x->result->violations->key];
    key[0] = 0;
    x->subject->violation_key(x->subject->context, key, sizeof key);
    explorer_violation(x, key, &x->path, 1);
}

void explorer_forget(struct explorer *x)
{
    struct explore_result *r = x->result;
    for (size_t i = 0; i < r->violation_count; i++)
        free(r->violations[i].schedule.data);
    free(r->violations);
    *r = (struct explore_result){.stop = STOP_END, .restarts = r->restarts};
    x->violation_round.count = x->states.count = 0;
    x->cut = x->over = false;
    x->reason[0] = '\0';
}

static void count_execution(struct explorer *x)
{
    struct explore_result *r = x->result;
    r->executions++;
    if (x->board != NULL)
        atomic_fetch_add_explicit(&x->board->executions, 1, memory_order_relaxed);
    unsigned depth = schedule_steps(&x->path);
    if (depth > r->max_depth)
        r->max_depth = depth;
}

/* Limits and growth, after the execution has been accounted for. */
static void settle(struct explorer *x)
{
    const struct explore_options *o = x->options;
    if (x->over)
        return;
    if (!x->frozen && x->subject->grew(x->subject->context))
        x->grown = true;
    uint64_t executions = x->result->voided + x->result->executions;
    if (x->board != NULL)
        executions = atomic_load_explicit(&x->board->executions, memory_order_relaxed);
    if (o->max_executions == 0 || executions < o->max_executions)
        return;
    if (x->board != NULL) /* it says how far it is, first */
        atomic_store_explicit(&x->board->stop, 1, memory_order_relaxed);
    else
        explorer_stop(x, "execution limit reached");
}

void explorer_ended(struct explorer *x, enum machine_stop stop)
{
    switch (stop) {
    case STOP_END:
        count_execution(x);
        if (x->options->want_states)
            vec_push(&x->states, x->subject->state(x->subject->context));
        break;
    case STOP_VIOLATION:
        count_execution(x);
        record_violation(x);
        break;
    case STOP_LIMIT:
    case STOP_UNIMPLEMENTED:
    case STOP_INTERNAL:
        x->result->stop = stop;
        explorer_stop(x, stop == STOP_LIMIT           ? "a step exceeded its budget"
                      : stop == STOP_UNIMPLEMENTED ? "something is not implemented"
                                                   : "internal error");
        break;
    case STOP_NONE:
        RD_ASSERT(!"an execution ended without a reason");
    }
    settle(x);
}

void explorer_abandoned(struct explorer *x)
{
    x->result->blocked++;
    settle(x);
}

void explorer_step_limit(struct explorer *x)
{
    count_execution(x);
    x->result->step_limit_hit = true;
    x->cut = true;
    settle(x);
}

void explorer_doubt(struct explorer *x, const char *reason)
{
    if (!x->cut)
        snprintf(x->reason, sizeof x->reason, "%s", reason);
    x->cut = true;
}

void explorer_claim(struct explorer *x, enum explorer_extent extent, const char *format, ...)
{
    struct explore_result *r = x->result;
    bool unfinished = extent != EXPLORER_SAMPLE && (x->cut || x->over);
    va_list args;
    va_start(args, format);
    r->finished = !unfinished;
    r->complete = extent == EXPLORER_ALL && !unfinished;
    if (!unfinished)
        vsnprintf(r->claim, sizeof r->claim, format, args);
    else
        snprintf(r->claim, sizeof r->claim, "exploration not finished: %s",
                 x->reason[0] != 0 ? x->reason
                 : x->over         ? "stopped at the first violation"
                                   : "executions were cut at the step limit");
    va_end(args);
}

static int compare_hash(const void *a, const void *b)
{
    const struct hash128 *x = a, *y = b;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return x->low < y->low ? -1 : x->low > y->low;
}

static void deliver_states(struct explorer *x)
{
    struct explore_result *r = x->result;
    size_t kept = 0;
    if (x->states.count > 0)
        qsort(x->states.data, x->states.count, sizeof *x->states.data, compare_hash);
    for (size_t i = 0; i < x->states.count; i++)
        if (kept == 0 || !hash_equal(x->states.data[i], x->states.data[kept - 1]))
            x->states.data[kept++] = x->states.data[i];
    r->states = x->states.data;
    r->state_count = kept;
}

/* Violations that were recorded before sharing grew and not met again: their schedules divide the
 * run into other steps than it has now. Followed as far as they fit, they mostly lead to the same
 * place; the decisions really taken replace them. Otherwise they stay as they are, and a strict
 * replay will say so; but when the last round was complete, then whatever they showed was met there,
 * at the place where steps end now, and they are left out. */
static void refresh_schedules(struct explorer *x)
{
    struct explore_result *r = x->result;
    size_t kept = 0;
    for (size_t i = 0; i < r->violation_count; i++) {
        if (x->violation_round.data[i] == r->restarts) {
            r->violations[kept++] = r->violations[i];
            continue;
        }
        struct schedule taken = {NULL, 0, 0};
        char key[sizeof r->violations->key] = "";
        x->subject->restore(x->subject->context, x->root);
        enum machine_stop stop =
            replay_tolerant(x->subject, &r->violations[i].schedule,
                            2 * r->violations[i].schedule.count + 1000, &taken);
        if (stop == STOP_VIOLATION)
            x->subject->violation_key(x->subject->context, key, sizeof key);
        bool met = strcmp(key, r->violations[i].key) == 0;
        if (met)
            schedule_assign(&r->violations[i].schedule, &taken);
        free(taken.data);
        if (met || !r->complete)
            r->violations[kept++] = r->violations[i];
        else
            free(r->violations[i].schedule.data);
    }
    r->violation_count = kept;
}

static void note_sharing(struct explorer *x)
{
    const struct subject *s = x->subject;
    uint64_t *granules = NULL;
    if (s->shared == NULL)
        return;
    size_t count = s->shared(s->context, &granules);
    x->result->sharing = hash_bytes(granules, count * sizeof *granules).low;
    free(granules);
}

const struct strategy *explore_strategy(const char *name)
{
    for (size_t i = 0; explore_strategies[i] != NULL; i++)
        if (strcmp(explore_strategies[i]->name, name) == 0)
            return explore_strategies[i];
    return NULL;
}

static const struct explorer *present;

const struct schedule *explore_present(void)
{
    return present != NULL ? &present->path : NULL;
}

bool explore_run(const struct subject *s, const struct explore_options *o, struct explore_result *r,
                 struct error *e)
{
    const char *name = o->strategy != NULL ? o->strategy : "dpor";
    const struct strategy *strategy = explore_strategy(name);
    *r = (struct explore_result){.stop = STOP_END};
    if (strategy == NULL)
        return error_set(e, ERROR_INPUT, "unknown strategy '%s' (see: rundown list strategies)",
                         name);

    struct explorer x = {.subject = s, .options = o, .result = r, .rng = {o->seed}};
    x.started = explorer_now();
    x.next_progress = x.started + PROGRESS_SECONDS;
    x.root = s->push(s->context);
    present = &x;
    bool ok = strategy->run(&x, e);
    present = NULL;
    note_sharing(&x);
    refresh_schedules(&x);
    s->restore(s->context, x.root);
    s->drop(s->context, x.root);
    deliver_states(&x);
    if (r->stop == STOP_END && r->violation_count > 0)
        r->stop = STOP_VIOLATION;
    free(x.path.data);
    vec_free(&x.violation_round);
    return ok;
}

void explore_free(struct explore_result *r)
{
    for (size_t i = 0; i < r->violation_count; i++)
        free(r->violations[i].schedule.data);
    free(r->violations);
    free(r->states);
    *r = (struct explore_result){.stop = STOP_END};
}
