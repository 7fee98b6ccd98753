/*
 * The reduction against brute force on random programs: both must reach the same violations and the
 * same Mazurkiewicz traces (or, for some programs, final states), whatever threads block on,
 * choose, start or cancel; and the reduction must reach no trace twice. A failure prints the seed
 * of the program.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "tests/unit/explore_sim/deaths.h"
#include "tests/unit/explore_sim/sim.h"

#define CODE 12
#define PLAIN_VARS 3 /* 0..2: loads, stores, interlocked operations */
#define LOCK_VAR 3
#define SEMAPHORE_VAR 4
#define EVENT_VAR 5 /* only ever set */
#define RANDOM_VARS 6

enum {
    WITH_BLOCKING = 1,
    WITH_CHOICES = 2,
    WITH_VIOLATIONS = 4,
    WITH_STARTS = 8,
    WITH_POLLS = 16,
    WITH_WIDE = 32
};

struct random_program {
    struct sim_program program;
    struct sim_op code[4][CODE];
};

static struct sim_op plain_op(struct rng *rng)
{
    int var = (int)rng_below(rng, PLAIN_VARS), r = (int)rng_below(rng, 2);
    switch (rng_below(rng, 6)) {
    case 0:
    case 1:
        return (struct sim_op){SIM_LOAD, .r = r, .var = var};
    case 4:
        return (struct sim_op){SIM_BUMP, .var = var, .imm = rng_below(rng, 2) ? 1 : -1};
    case 2:
        return (struct sim_op){SIM_STORE, .var = var, .imm = (int)rng_below(rng, 3)};
    case 3:
        return (struct sim_op){SIM_ADD, .r = r, .var = var, .imm = rng_below(rng, 2) ? 1 : -1};
    default:
        return (struct sim_op){SIM_CAS, .r = 0, .var = var, .imm = 0};
    }
}

static struct sim_op blocking_op(struct rng *rng)
{
    switch (rng_below(rng, 9)) {
    case 0:
    case 1:
        return (struct sim_op){SIM_LOCK, .var = LOCK_VAR};
    case 7:
    case 8:
        return (struct sim_op){SIM_SPIN, .var = LOCK_VAR};
    case 2:
        return (struct sim_op){SIM_STORE, .var = LOCK_VAR, .imm = 0};
    case 3:
        return (struct sim_op){SIM_TAKE, .var = SEMAPHORE_VAR};
    case 4:
        return (struct sim_op){rng_below(rng, 2) ? SIM_ADD : SIM_BUMP, .r = 2, .var = SEMAPHORE_VAR, .imm = 1};
    case 5:
        return (struct sim_op){SIM_WAIT, .var = EVENT_VAR};
    default:
        return (struct sim_op){SIM_STORE, .var = EVENT_VAR, .imm = 1};
    }
}

static struct sim_op random_op(struct rng *rng, unsigned with, unsigned thread, unsigned threads)
{
    switch (rng_below(rng, 8)) {
    case 0:
        if (with & WITH_CHOICES)
            switch (rng_below(rng, 4)) {
            case 0:
                return (struct sim_op){SIM_PICK, .r = (int)rng_below(rng, 2), .var = (int)rng_below(rng, PLAIN_VARS),
                                       .imm = (int)rng_below(rng, PLAIN_VARS)};
            case 1:
                return (struct sim_op){SIM_CHOOSE, .r = 0, .imm = 2};
            case 2:
                return (struct sim_op){SIM_CHOOSE2, .r = 1, .imm = 2};
            default:
                return (struct sim_op){SIM_PUT, .var = (int)rng_below(rng, PLAIN_VARS), .imm = 2};
            }
        break;
    case 1:
        if (with & WITH_VIOLATIONS)
            return (struct sim_op){rng_below(rng, 4) ? SIM_CHECK : SIM_CHECKZ,
                                   .r = (int)rng_below(rng, 2)};
        break;
    case 2:
    case 3:
        if (with & WITH_BLOCKING)
            return blocking_op(rng);
        break;
    case 4:
        if ((with & WITH_STARTS) && thread != threads - 1)
            return (struct sim_op){rng_below(rng, 3) ? SIM_START : SIM_CANCEL,
                                   .imm = (int)threads - 1};
        break;
    case 5:
        if (with & WITH_POLLS)
            return (struct sim_op){SIM_POLL, .var = (int)rng_below(rng, PLAIN_VARS),
                                   .imm = (int)rng_below(rng, PLAIN_VARS)};
        break;
    case 6:
    case 7:
        if (with & WITH_WIDE)
            return (struct sim_op){
                SIM_IF, .r = (int)rng_below(rng, 2), .var = (int)rng_below(rng, PLAIN_VARS),
                .imm = (int)rng_below(rng, PLAIN_VARS), .other = (int)rng_below(rng, PLAIN_VARS)};
        break;
    default:
        break;
    }
    return plain_op(rng);
}

static void generate(struct random_program *rp, uint64_t seed, unsigned with)
{
    struct rng rng = {seed};
    struct sim_program *p = &rp->program;
    memset(rp, 0, sizeof *rp);
    p->threads = 2 + (unsigned)rng_below(&rng, 3);
    p->vars = RANDOM_VARS;
    p->cpu_keys = (with & WITH_STARTS) != 0;
    bool traces = rng_below(&rng, 4) != 0;
    p->private_at_first = rng_below(&rng, 6) == 0 && !(with & (WITH_BLOCKING | WITH_POLLS));
    p->states_are_traces = traces && !p->private_at_first;
    if (with & WITH_STARTS)
        p->dormant = 1u << (p->threads - 1);
    p->init[SEMAPHORE_VAR] = (int)rng_below(&rng, 2);
    unsigned budget = p->threads == 2 ? 5 : p->threads == 3 ? 3 : 2;
    for (unsigned t = 0; t < p->threads; t++) {
        unsigned n = 1 + (unsigned)rng_below(&rng, budget + 1), at = 0;
        for (unsigned i = 0; i < n; i++) {
            if (at > 0 && rng_below(&rng, 5) == 0) {
                /* Skips the next operation. */
                rp->code[t][at] = (struct sim_op){rng_below(&rng, 2) ? SIM_JZ : SIM_JNZ,
                                                  .r = (int)rng_below(&rng, 2), .imm = (int)at + 2};
                at++;
            }
            struct sim_op op = random_op(&rng, with, t, p->threads);
            if (at == 0 && (op.kind == SIM_CHECK || op.kind == SIM_CHECKZ))
                op = plain_op(&rng);
            rp->code[t][at++] = op;
        }
        rp->code[t][at] = (struct sim_op){SIM_END};
        p->code[t] = rp->code[t];
    }
}

static struct explore_result explore_by(const struct sim_program *p, const char *strategy,
                                        unsigned jobs)
{
    struct sim *s = sim_create(p);
    struct subject subject = sim_subject(s);
    struct explore_options o = {
        .strategy = strategy, .all = true, .want_states = true, .max_executions = 200000,
        .jobs = jobs, .jobs_after = 1, .jobs_split = 5};
    struct explore_result r;
    struct error e = {0};
    assert_true(explore_run(&subject, &o, &r, &e));
    sim_destroy(s);
    return r;
}

static struct explore_result explore(const struct sim_program *p, const char *strategy)
{
    return explore_by(p, strategy, 1);
}

static bool has_violation(const struct explore_result *r, const char *key)
{
    for (size_t i = 0; i < r->violation_count; i++)
        if (strcmp(r->violations[i].key, key) == 0)
            return true;
    return false;
}

static bool same(const struct explore_result *a, const struct explore_result *b)
{
    if (a->state_count != b->state_count || a->violation_count != b->violation_count)
        return false;
    for (size_t i = 0; i < a->state_count; i++)
        if (!hash_equal(a->states[i], b->states[i]))
            return false;
    for (size_t i = 0; i < a->violation_count; i++)
        if (!has_violation(b, a->violations[i].key))
            return false;
    return true;
}

/* Every schedule of a violation leads there again, strictly. */
static void replay_all(const struct sim_program *p, const struct explore_result *r, uint64_t seed)
{
    if (p->private_at_first)
        return;
    for (size_t i = 0; i < r->violation_count; i++) {
        struct sim *s = sim_create(p);
        struct subject subject = sim_subject(s);
        struct error e = {0};
        char key[64];
        if (explore_replay(&subject, &r->violations[i].schedule, false, &e) != STOP_VIOLATION)
            fail_msg("seed %llu: violation %s does not replay: %s", (unsigned long long)seed,
                     r->violations[i].key, e.text);
        subject.violation_key(subject.context, key, sizeof key);
        assert_string_equal(key, r->violations[i].key);
        sim_destroy(s);
    }
}

static uint64_t total_brute, total_dpor, total_blocked;

static void compare(uint64_t seed, unsigned with)
{
    struct random_program rp;
    generate(&rp, seed, with);
    struct explore_result brute = explore(&rp.program, "brute");
    if (brute.complete) {
        struct explore_result dpor = explore(&rp.program, "dpor");
        if (!dpor.complete || !same(&brute, &dpor))
            fail_msg("seed %llu with %u: brute %llu executions %zu states %zu violations, dpor "
                     "%llu, %zu, %zu (%s)",
                     (unsigned long long)seed, with, (unsigned long long)brute.executions,
                     brute.state_count, brute.violation_count, (unsigned long long)dpor.executions,
                     dpor.state_count, dpor.violation_count, dpor.claim);
        /* No trace is explored twice. A violation cuts its trace short wherever it comes. */
        if (rp.program.states_are_traces && dpor.violation_count == 0 && dpor.restarts == 0 &&
            dpor.executions != dpor.state_count)
            fail_msg("seed %llu with %u: %llu executions for %zu traces", (unsigned long long)seed,
                     with, (unsigned long long)dpor.executions, dpor.state_count);
        total_brute += brute.executions;
        total_dpor += dpor.executions;
        total_blocked += dpor.blocked;
        replay_all(&rp.program, &dpor, seed);
        explore_free(&dpor);
    }
    explore_free(&brute);
}

/* Transitions that sleep while others of their agent do not, and orders that violations cut short: few programs tell. */
static void programs_that_are_hard_to_get_right_agree_with_brute_force(void **state)
{
    static const struct {
        uint64_t seed;
        unsigned with;
    } hard[] = {{7061, WITH_CHOICES}, {2665, WITH_WIDE | WITH_VIOLATIONS | WITH_CHOICES}, {2170, WITH_WIDE | WITH_VIOLATIONS}};
    (void)state;
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++)
        compare(hard[i].seed, hard[i].with);
}

/* One job and three: what is found, and that no trace is explored twice. */
static void compare_jobs(uint64_t seed, unsigned with)
{
    struct random_program rp;
    generate(&rp, seed, with);
    struct explore_result one = explore_by(&rp.program, "dpor", 1);
    struct explore_result three = explore_by(&rp.program, "dpor", 3);
    if (!three.complete || !same(&one, &three))
        fail_msg("seed %llu with %u: one job %llu executions %zu states %zu violations, three %llu, %zu, %zu (%s)",
                 (unsigned long long)seed, with, (unsigned long long)one.executions,
                 one.state_count, one.violation_count, (unsigned long long)three.executions,
                 three.state_count, three.violation_count, three.claim);
    if (rp.program.states_are_traces && three.violation_count == 0 && three.restarts == 0 &&
        three.executions != three.state_count)
        fail_msg("seed %llu with %u: three jobs: %llu executions for %zu traces",
                 (unsigned long long)seed, with, (unsigned long long)three.executions,
                 three.state_count);
    total_dpor += three.executions;
    total_blocked += three.blocked;
    replay_all(&rp.program, &three, seed);
    explore_free(&one);
    explore_free(&three);
}

static void three_jobs_find_what_one_does(void **state)
{
    const char *more = getenv("EXPLORE_RANDOM");
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : 150;
    (void)state;
    total_dpor = total_blocked = 0;
    for (uint64_t i = 0; i < count; i++)
        compare_jobs(i * 64 + 7, (unsigned)(i % 64));
    print_message("# %llu programs by three jobs: %llu executions (and %llu blocked)\n",
                  (unsigned long long)count, (unsigned long long)total_dpor,
                  (unsigned long long)total_blocked);
}

/* A violation cuts its trace short wherever it comes. */
static bool counts_are_traces(const struct sim_program *p, const struct explore_result *r)
{
    return p->states_are_traces && r->violation_count == 0 && r->restarts == 0;
}

/* The same programs, while every so-many-th step ends the process that takes it. */
static unsigned compare_with_deaths(uint64_t seed, unsigned with)
{
    struct random_program rp;
    generate(&rp, seed, with);
    struct explore_result one = explore_by(&rp.program, "dpor", 1), three;
    struct sim *s = sim_create(&rp.program);
    struct subject subject = sim_subject(s);
    struct explore_options o = {.all = true, .want_states = true, .jobs = 3, .jobs_after = 1, .jobs_split = 5,
                                .checkpoint_seconds = 1e-9};
    struct error e = {0};
    deaths_begin(&subject, 97, false);
    assert_true(explore_run(&subject, &o, &three, &e));
    unsigned deaths = deaths_so_far();
    deaths_begin(&subject, 0, false);
    if (!three.complete || !same(&one, &three) || (counts_are_traces(&rp.program, &one) && one.executions != three.executions))
        fail_msg("seed %llu with %u: one job %llu executions %zu states, three that died %llu, %zu (%s)",
                 (unsigned long long)seed, with, (unsigned long long)one.executions, one.state_count,
                 (unsigned long long)three.executions, three.state_count, three.claim);
    sim_destroy(s);
    explore_free(&one);
    explore_free(&three);
    return deaths;
}

static void workers_that_are_killed_lose_nothing_and_nothing_counts_twice(void **state)
{
    const char *more = getenv("EXPLORE_RANDOM");
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : 100;
    unsigned deaths = 0;
    (void)state;
    for (uint64_t i = 0; i < count; i++) {
        deaths += compare_with_deaths(i * 64 + 9, (unsigned)(i % 64));
    }
    print_message("# %u workers died\n", deaths);
    assert_true(deaths > count / 8);
}

/* ---- checkpoints ---- */

struct attempt {
    struct subject subject;
    struct explore_options options;
    struct explore_result result;
};

static void attempt(void *context)
{
    struct attempt *a = context;
    struct error e = {0};
    if (!explore_run(&a->subject, &a->options, &a->result, &e))
        fail_msg("%s", e.text);
}

/* Killed as a whole at many moments, resumed by turns with one job and two, and at last left alone. */
static unsigned compare_resumed(const char *path, uint64_t seed, unsigned with)
{
    struct random_program rp;
    generate(&rp, seed, with);
    struct explore_result one = explore_by(&rp.program, "dpor", 1);
    struct sim *s = sim_create(&rp.program);
    struct attempt a = {.subject = sim_subject(s),
                        .options = {.all = true, .want_states = true, .jobs_split = 5, .checkpoint = path,
                                    .checkpoint_seconds = 1e-9}};
    unsigned deaths = 0;
    unlink(path);
    for (unsigned n = 0; n < 20; n++) {
        a.options.jobs = 1 + n % 2;
        a.options.resume = access(path, F_OK) == 0 ? path : NULL;
        deaths_begin(&a.subject, 13 + 17 * n, true);
        if (deaths_survived(attempt, &a))
            break;
        deaths++;
    }
    deaths_begin(&a.subject, 0, false);
    a.options.resume = access(path, F_OK) == 0 ? path : NULL;
    attempt(&a);
    if (!a.result.complete || !same(&one, &a.result) ||
        (counts_are_traces(&rp.program, &one) && one.executions != a.result.executions))
        fail_msg("seed %llu with %u: one job %llu executions %zu states, resumed %llu, %zu (%s)",
                 (unsigned long long)seed, with, (unsigned long long)one.executions, one.state_count,
                 (unsigned long long)a.result.executions, a.result.state_count, a.result.claim);
    replay_all(&rp.program, &a.result, seed);
    unlink(path);
    sim_destroy(s);
    explore_free(&one);
    explore_free(&a.result);
    return deaths;
}

/* Whoever is killed while it writes leaves its file behind. */
static void remove_folder(const char *folder)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    assert_int_equal(rmdir(folder), 0);
}

static void a_search_that_is_killed_and_resumed_finds_the_same(void **state)
{
    const char *more = getenv("EXPLORE_RANDOM");
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : 60;
    char folder[] = "/tmp/rundown-checkpoint-XXXXXX", path[64];
    unsigned deaths = 0;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/search", folder);
    for (uint64_t i = 0; i < count; i++)
        deaths += compare_resumed(path, i * 64 + 9, (unsigned)(i % 64));
    remove_folder(folder);
    print_message("# resumed %u times\n", deaths);
    assert_true(deaths > count / 4);
}

static void what_was_left_out_is_not_claimed_by_who_resumes(void **state)
{
    struct sim_program p;
    char folder[] = "/tmp/rundown-checkpoint-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/search", folder);
    sim_bluetooth(&p, 2, false);
    struct sim *s = sim_create(&p);
    for (unsigned go = 0; go < 2; go++) {
        struct attempt a = {.subject = sim_subject(s),
                            .options = {.max_steps = 10, .checkpoint = path, .resume = go == 0 ? NULL : path}};
        attempt(&a);
        assert_true(a.result.executions > 5);
        assert_true(a.result.step_limit_hit);
        assert_false(a.result.complete);
        assert_string_equal(a.result.claim, "exploration not finished: executions were cut at the step limit");
        explore_free(&a.result);
    }
    sim_destroy(s);
    unlink(path);
    rmdir(folder);
}

/* ---- preemption bounds ---- */

static bool has_state(const struct explore_result *r, struct hash128 h)
{
    for (size_t i = 0; i < r->state_count; i++)
        if (hash_equal(r->states[i], h))
            return true;
    return false;
}

/* Answers to the questions of one step: those given, then 0. */
struct given {
    uint32_t value[8], limit[8];
    unsigned asked;
};

static uint32_t give(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    struct given *g = context;
    (void)agent, (void)kind;
    assert_true(g->asked < 8);
    g->limit[g->asked] = n;
    assert_true(g->value[g->asked] < n);
    return g->value[g->asked++];
}

/* The next answers, like a clock's digits: those behind the one that goes on begin again. */
static bool give_next(struct given *g)
{
    for (unsigned i = g->asked; i > 0; i--) {
        if (++g->value[i - 1] < g->limit[i - 1])
            return true;
        g->value[i - 1] = 0;
    }
    return false;
}

/* All executions with at most so many preemptions, by recursion over the subject alone: how many there are, and where they end. */
struct oracle {
    struct subject s;
    bool any;               /* preemptions do not count */
    uint64_t executions[4]; /* by preemptions */
    struct hash128 *states;
    size_t count, capacity;
};

static void enumerate(struct oracle *o, unsigned last, unsigned used, unsigned bound)
{
    struct subject *s = &o->s;
    uint64_t enabled = s->enabled(s->context);
    if (enabled == 0) {
        o->executions[used]++;
        if (s->quiescent(s->context) == STOP_END) {
            if (o->count == o->capacity) {
                o->capacity = 2 * o->capacity + 64;
                o->states = realloc(o->states, o->capacity * sizeof *o->states);
                assert_non_null(o->states);
            }
            o->states[o->count++] = s->state(s->context);
        }
        return;
    }
    unsigned here = s->push(s->context);
    for (unsigned agent = 0; agent < 64; agent++) {
        bool preempts = !o->any && last != agent && last < 64 && (enabled >> last & 1);
        if (!(enabled >> agent & 1) || used + preempts > bound)
            continue;
        struct given g = {.asked = 0};
        struct decider decider = {&g, give};
        do {
            g.asked = 0;
            if (s->step(s->context, agent, &decider).stop != STOP_NONE)
                o->executions[used + preempts]++;
            else
                enumerate(o, agent, used + preempts, bound);
            s->restore(s->context, here);
        } while (give_next(&g));
    }
    s->drop(s->context, here);
}

/* Within so many preemptions, what the strategy runs and what recursion runs. What the strategy finds to be shared while it
 * runs stays so for the recursion, whose executions then have the same steps. */
static uint64_t compare_bounded(const struct sim_program *p, uint64_t seed, unsigned bound)
{
    struct sim *s = sim_create(p);
    struct oracle o = {.s = sim_subject(s)};
    uint64_t executions = 0;
    struct explore_options options = {.strategy = "bounded", .all = true, .want_states = true, .preemptions = bound};
    struct explore_result r;
    struct error e = {0};
    char claim[64];
    assert_true(explore_run(&o.s, &options, &r, &e));
    enumerate(&o, 64, 0, bound);
    for (unsigned b = 0; b <= bound; b++)
        executions += o.executions[b];
    snprintf(claim, sizeof claim, "every interleaving with at most %u preemption%s explored", bound, bound == 1 ? "" : "s");
    assert_true(r.finished);
    assert_string_equal(r.claim, claim);
    if (r.executions != executions)
        fail_msg("seed %llu, bound %u: %llu executions, by recursion %llu", (unsigned long long)seed, bound,
                 (unsigned long long)r.executions, (unsigned long long)executions);
    for (size_t k = 0; k < o.count; k++)
        assert_true(has_state(&r, o.states[k]));
    explore_free(&r);
    free(o.states);
    sim_destroy(s);
    return executions;
}

static uint64_t compare_each_bound(uint64_t seed, unsigned with, bool grows)
{
    struct random_program rp;
    uint64_t total = 0;
    generate(&rp, seed, with);
    rp.program.private_at_first = grows;
    rp.program.states_are_traces = rp.program.states_are_traces && !grows;
    for (unsigned bound = 0; bound < 4; bound++)
        total += compare_bounded(&rp.program, seed, bound);
    return total;
}

static void each_preemption_bound_is_complete(void **state)
{
    uint64_t total = 0;
    (void)state;
    for (uint64_t i = 0; i < 120; i++)
        total += compare_each_bound(i * 64 + 5, (unsigned)(i % 64), false);
    print_message("# %llu executions within a bound\n", (unsigned long long)total);
}

static void each_preemption_bound_is_complete_when_sharing_grows_on_the_way(void **state)
{
    /* Only with a preemption does thread 1 see x set, and touch y, which is then shared. */
    static const struct sim_op a[] = {{SIM_STORE, .var = 0, .imm = 1}, {SIM_STORE, .var = 0, .imm = 0},
                                      {SIM_STORE, .var = 1, .imm = 1}, {SIM_END}};
    static const struct sim_op b[] = {{SIM_LOAD, .r = 0, .var = 0}, {SIM_JZ, .r = 0, .imm = 3},
                                      {SIM_STORE, .var = 1, .imm = 2}, {SIM_END}};
    struct sim_program late = {.threads = 2, .code = {a, b}, .vars = 2, .private_at_first = true};
    (void)state;
    for (unsigned bound = 0; bound < 4; bound++)
        compare_bounded(&late, 0, bound);
    for (uint64_t i = 0; i < 120; i++)
        compare_each_bound(i * 64 + 5, (unsigned)(i % 64) & ~(unsigned)(WITH_BLOCKING | WITH_POLLS), true);
}

/* What brute force runs, the oracle of everything else, is what recursion runs. */
static void brute_force_leaves_nothing_out(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 120; i++) {
        struct random_program rp;
        generate(&rp, i * 64 + 5, (unsigned)(i % 64));
        rp.program.private_at_first = false;
        struct explore_result r = explore(&rp.program, "brute");
        struct sim *s = sim_create(&rp.program);
        struct oracle o = {.s = sim_subject(s), .any = true};
        if (r.complete)
            enumerate(&o, 64, 0, 0);
        if (r.complete && r.executions != o.executions[0])
            fail_msg("seed %llu: %llu executions, by recursion %llu", (unsigned long long)(i * 64 + 5),
                     (unsigned long long)r.executions, (unsigned long long)o.executions[0]);
        explore_free(&r);
        free(o.states);
        sim_destroy(s);
    }
}

/* ---- parts ---- */

/* All parts of a check against the whole. Returns whether they could be compared. */
static bool compare_parts(uint64_t seed, unsigned with, unsigned parts)
{
    struct random_program rp;
    generate(&rp, seed, with);
    struct explore_result whole = explore_by(&rp.program, "dpor", 1), part[8];
    uint64_t executions = 0;
    bool alike = true, covered = true, told = true;
    for (unsigned i = 0; i < parts; i++) {
        struct sim *s = sim_create(&rp.program);
        struct subject subject = sim_subject(s);
        struct explore_options o = {.all = true, .want_states = true, .shard = i + 1, .shards = parts};
        struct error e = {0};
        assert_true(explore_run(&subject, &o, &part[i], &e));
        assert_true(part[i].finished);
        assert_false(part[i].complete);
        executions += part[i].executions;
        alike = alike && part[i].sharing == part[0].sharing;
        sim_destroy(s);
    }
    for (size_t k = 0; k < whole.state_count; k++) {
        bool found = false;
        for (unsigned i = 0; i < parts; i++)
            found = found || has_state(&part[i], whole.states[k]);
        covered = covered && found;
    }
    for (size_t k = 0; k < whole.violation_count; k++) {
        bool found = false;
        for (unsigned i = 0; i < parts; i++)
            found = found || has_violation(&part[i], whole.violations[k].key);
        told = told && found;
    }
    if (alike && (!covered || !told || (counts_are_traces(&rp.program, &whole) && executions != whole.executions)))
        fail_msg("seed %llu with %u: %llu executions, in %u parts %llu; states %s, violations %s",
                 (unsigned long long)seed, with, (unsigned long long)whole.executions, parts,
                 (unsigned long long)executions, covered ? "covered" : "lost", told ? "told" : "lost");
    for (unsigned i = 0; i < parts; i++)
        explore_free(&part[i]);
    explore_free(&whole);
    return alike;
}

static void parts_without_communication_cover_the_whole_and_nothing_twice(void **state)
{
    const char *more = getenv("EXPLORE_RANDOM");
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : 80;
    unsigned compared = 0;
    (void)state;
    for (uint64_t i = 0; i < count; i++)
        compared += compare_parts(i * 64 + 11, (unsigned)(i % 64), 2 + (unsigned)(i % 4));
    assert_true(compared > count - count / 20);
}

static void compare_many(unsigned with)
{
    const char *more = getenv("EXPLORE_RANDOM");
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : 150;
    total_brute = total_dpor = total_blocked = 0;
    for (uint64_t i = 0; i < count; i++)
        compare(i * 64 + with, with);
    print_message("# %llu programs: brute force %llu executions, reduced %llu (and %llu blocked)\n",
                  (unsigned long long)count, (unsigned long long)total_brute,
                  (unsigned long long)total_dpor, (unsigned long long)total_blocked);
}

#define PROGRAMS(name, with)                                                                       \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        compare_many(with);                                                                        \
    }

PROGRAMS(plain_programs_agree_with_brute_force, 0)
PROGRAMS(blocking_programs_agree_with_brute_force, WITH_BLOCKING)
PROGRAMS(programs_with_choices_agree_with_brute_force, WITH_CHOICES)
PROGRAMS(violating_programs_agree_with_brute_force, WITH_VIOLATIONS)
PROGRAMS(programs_that_start_and_cancel_threads_agree_with_brute_force, WITH_STARTS)
PROGRAMS(polling_programs_agree_with_brute_force, WITH_POLLS)
PROGRAMS(programs_whose_footprints_depend_on_data_agree_with_brute_force, WITH_WIDE)
PROGRAMS(programs_with_everything_agree_with_brute_force,
         WITH_BLOCKING | WITH_CHOICES | WITH_VIOLATIONS | WITH_STARTS | WITH_POLLS | WITH_WIDE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_programs_agree_with_brute_force),
        cmocka_unit_test(blocking_programs_agree_with_brute_force),
        cmocka_unit_test(programs_with_choices_agree_with_brute_force),
        cmocka_unit_test(violating_programs_agree_with_brute_force),
        cmocka_unit_test(programs_that_start_and_cancel_threads_agree_with_brute_force),
        cmocka_unit_test(polling_programs_agree_with_brute_force),
        cmocka_unit_test(programs_whose_footprints_depend_on_data_agree_with_brute_force),
        cmocka_unit_test(programs_with_everything_agree_with_brute_force),
        cmocka_unit_test(programs_that_are_hard_to_get_right_agree_with_brute_force),
        cmocka_unit_test(three_jobs_find_what_one_does),
        cmocka_unit_test(workers_that_are_killed_lose_nothing_and_nothing_counts_twice),
        cmocka_unit_test(brute_force_leaves_nothing_out),
        cmocka_unit_test(each_preemption_bound_is_complete),
        cmocka_unit_test(each_preemption_bound_is_complete_when_sharing_grows_on_the_way),
        cmocka_unit_test(parts_without_communication_cover_the_whole_and_nothing_twice),
        cmocka_unit_test(a_search_that_is_killed_and_resumed_finds_the_same),
        cmocka_unit_test(what_was_left_out_is_not_claimed_by_who_resumes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
