/*
 * The reduction against brute force on generated programs that run as a real driver: two to four threads with plain and
 * interlocked accesses, locks, events, polls and APCs. Both must reach the same final states and the same violations.
 *
 *     generated [--kernel FILE] [--timers N] [--interrupts N] SCENARIO.lua FIRST COUNT [timed]
 *
 * `timed` programs have timers, DPCs and waits with timeouts too. With a bound, brute force is done once more on an unbounded machine
 * by a subject that keeps the bounds itself (within.h): it must run as many executions as with the machine's bounds, to the same ends.
 *
 * Brute force would drown in the client's steps. It begins where the client has started all threads and each has taken
 * the step that wakes it; none of that touches what the threads share. The reduction begins at the root.
 * A program that is too large for brute force is passed over and another one takes its place.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cli/cli.h"
#include "machine/arena.h"
#include "machine/arena_internal.h"
#include "tests/litmus/apart.h"
#include "tests/litmus/generated/program.h"
#include "tests/litmus/within.h"

#define BRUTE_LIMIT 20000
#define REDUCED_LIMIT 5000

static struct session session;
static gva_t program_at, results_at;
static bool timed;

struct outcome {
    bool compared, agree;
    uint64_t executions, redundant, brute, states, violations;
};
static struct outcome *outcome; /* seen by parent and child */

/* ---- programs ---- */

static struct generated_code random_operation(struct rng *rng, unsigned threads, unsigned thread)
{
    struct generated_code c = {.a = (unsigned char)rng_below(rng, GENERATED_CELLS), .b = (unsigned char)rng_below(rng, 3)};
    static const unsigned char late[] = {GENERATED_APC, GENERATED_SLEEP, GENERATED_TIMER, GENERATED_TIMER, GENERATED_CANCEL};
    static const unsigned char plain[] = {GENERATED_STORE, GENERATED_LOAD,    GENERATED_INCREMENT,
                                          GENERATED_FETCH, GENERATED_COMPARE, GENERATED_ADD};
    if (timed && rng_below(rng, 2) == 0) {
        c.op = late[rng_below(rng, sizeof late)];
    } else if (rng_below(rng, 2) == 0) {
        c.op = plain[rng_below(rng, sizeof plain)];
        c.a = (unsigned char)rng_below(rng, 2);
    } else {
        c.op = (unsigned char)(GENERATED_SPIN +
                               rng_below(rng, GENERATED_UNTIMED - GENERATED_SPIN));
    }
    if (c.op == GENERATED_CANCEL)
        c.b = (unsigned char)rng_below(rng, threads);
    if (c.op == GENERATED_APC)
        c.b = (unsigned char)((thread + 1 + rng_below(rng, threads - 1)) % threads);
    return c;
}

static struct generated_program random_program(uint64_t seed)
{
    static const unsigned long_ones[] = {0, 0, 5, 2, 1}, short_ones[] = {0, 0, 3, 1, 1};
    const unsigned *most = timed ? short_ones : long_ones;
    struct rng rng = {seed};
    struct generated_program p = {.magic = GENERATED_MAGIC, .threads = 2 + (unsigned)rng_below(&rng, timed ? 2 : 3)};
    for (unsigned t = 0; t < p.threads; t++) {
        unsigned length = 1 + (unsigned)rng_below(&rng, most[p.threads]);
        for (unsigned i = 0; i < length; i++)
            p.code[t][i] = random_operation(&rng, p.threads, t);
    }
    return p;
}

static void print_program(const struct generated_program *p)
{
    static const char *const names[GENERATED_OPS] = {"end",  "store", "load",  "increment", "fetch", "compare", "add", "spin",
                                                     "mutex", "set",  "clear", "wait",      "poll",  "apc",     "check",
                                                     "sleep", "timer", "cancel"};
    for (unsigned t = 0; t < p->threads; t++) {
        printf("#   thread %u:", t);
        for (unsigned i = 0; i < GENERATED_LENGTH && p->code[t][i].op != GENERATED_END; i++)
            printf(" %s(%u,%u)", names[p->code[t][i].op], p->code[t][i].a, p->code[t][i].b);
        printf("\n");
    }
}

/* ---- exploring ---- */

static struct hash128 final_state(void *machine)
{
    struct generated_results r;
    (void)machine;
    RD_ASSERT(arena_read(results_at, &r, sizeof r));
    return hash_bytes(&r, sizeof r);
}

static void violation_key(void *context, char *out, size_t size)
{
    const struct violation *v = machine_violation(session.machine);
    (void)context;
    snprintf(out, size, "%s %x thread %" PRIu64 " operation %" PRIu64, v->rule, v->code, v->trouble.arg[0],
             v->trouble.arg[1]);
}

static struct explore_result explore_subject(struct subject subject, const char *strategy, uint64_t limit)
{
    subject.state = final_state;
    subject.violation_key = violation_key;
    struct explore_options o = {
        .strategy = strategy, .max_executions = limit, .max_steps = 10000, .want_states = true, .all = true};
    struct explore_result r;
    struct error e = {0};
    if (!explore_run(&subject, &o, &r, &e))
        exit(cli_fail(&e));
    return r;
}

static struct explore_result explore(const char *strategy, uint64_t limit)
{
    return explore_subject(explore_machine(session.machine), strategy, limit);
}

static uint32_t no_choice(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    (void)context, (void)agent, (void)kind, (void)n;
    return 0;
}

/* To where brute force begins; false: something ended on the way. */
static bool start_threads(void)
{
    struct decider decider = {NULL, no_choice};
    machine_set_decider(session.machine, &decider);
    /* One starts the client, the client starts the threads. There are two of them at least. */
    uint64_t last = 0, enabled;
    while (enabled = machine_enabled(session.machine), (enabled & last) || (enabled & (enabled - 1)) == 0) {
        if (enabled == 0)
            return false;
        last = enabled & last ? last : enabled;
        if (machine_step(session.machine, (unsigned)__builtin_ctzll(last)).stop != STOP_NONE)
            return false;
    }
    for (uint64_t bodies = machine_enabled(session.machine); bodies != 0; bodies &= bodies - 1)
        if (machine_step(session.machine, (unsigned)__builtin_ctzll(bodies)).stop != STOP_NONE)
            return false;
    return true;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct explore_violation *)a)->key, ((const struct explore_violation *)b)->key);
}

static bool same(struct explore_result *a, struct explore_result *b)
{
    if (a->state_count != b->state_count || a->violation_count != b->violation_count)
        return false;
    for (size_t i = 0; i < a->state_count; i++)
        if (!hash_equal(a->states[i], b->states[i]))
            return false;
    qsort(a->violations, a->violation_count, sizeof *a->violations, by_key);
    qsort(b->violations, b->violation_count, sizeof *b->violations, by_key);
    for (size_t i = 0; i < a->violation_count; i++)
        if (strcmp(a->violations[i].key, b->violations[i].key) != 0)
            return false;
    return true;
}

static bool bounded(void)
{
    return session.bounds.timers.on || session.bounds.interrupts.on;
}

/* Executions within the bounds, on a machine without. */
static bool same_within(struct explore_result *brute)
{
    struct machine_bounds none = {.timers = {.on = false}};
    machine_set_bounds(session.machine, &none);
    struct explore_result within =
        explore_subject(within_bounds(session.machine, &session.bounds), "brute", 2 * BRUTE_LIMIT);
    bool ok = within.complete && same(&within, brute) && within.executions == brute->executions;
    if (!ok)
        printf("# by the definition of the bounds %" PRIu64 " executions to %zu states (%s), by the machine %" PRIu64 " to %zu\n",
               within.executions, within.state_count, within.claim, brute->executions, brute->state_count);
    return ok;
}

static void compare(const void *seed)
{
    struct generated_program p = random_program(*(const uint64_t *)seed);
    machine_restore(session.machine, session.root);
    arena_poke(program_at, &p, sizeof p);
    session.root = machine_push(session.machine);
    machine_set_sharing(session.machine, true);
    struct explore_result learn = explore("dpor", REDUCED_LIMIT);
    if (!learn.complete)
        return;
    struct explore_result reduced = {.executions = 0};
    if (!bounded())
        reduced = explore("dpor", 0);
    if (!start_threads()) {
        printf("# seed %" PRIu64 ": the threads could not be started\n", *(const uint64_t *)seed);
        exit(1);
    }
    if (bounded()) /* what comes to a processor that has not begun is not early, so where to begin matters */
        reduced = explore("dpor", 0);
    struct explore_result brute = explore("brute", BRUTE_LIMIT);
    if (getenv("GENERATED_VERBOSE") != NULL) {
        printf("# seed %" PRIu64 ": dpor %" PRIu64 " (%" PRIu64 " redundant, depth %" PRIu64 "), brute force %" PRIu64 " (depth %" PRIu64 ", %s)\n", *(const uint64_t *)seed,
               reduced.executions, reduced.blocked, reduced.max_depth, brute.executions, brute.max_depth, brute.claim);
        print_program(&p);
    }
    if (!brute.complete)
        return;
    bool kept = !bounded() || same_within(&brute);
    *outcome = (struct outcome){true,
                                kept && same(&reduced, &brute) && reduced.restarts == 0 && brute.restarts == 0,
                                reduced.executions,
                                reduced.blocked,
                                brute.executions,
                                brute.state_count,
                                brute.violation_count};
    if (outcome->agree)
        return;
    printf("# seed %" PRIu64 ": dpor %zu states, %zu violations in %" PRIu64 " executions (%s); brute force %zu, %zu in %" PRIu64
           "; restarts %" PRIu64 ", %" PRIu64 "\n",
           *(const uint64_t *)seed, reduced.state_count, reduced.violation_count, reduced.executions, reduced.claim,
           brute.state_count, brute.violation_count, brute.executions, reduced.restarts, brute.restarts);
    print_program(&p);
}

/* ---- */

static gva_t find(const char *magic, uint64_t from)
{
    for (unsigned i = 2; i < machine_image_count(session.machine); i++) {
        const struct machine_image *image = machine_image(session.machine, i);
        for (uint64_t at = from; at + 16 <= image->size; at += 16) {
            char text[16];
            if (arena_read(image->base + at, text, sizeof text) && memcmp(text, magic, sizeof text) == 0 &&
                (image->base + at) % 64 == 0)
                return image->base + at;
        }
    }
    return 0;
}

static void print_bound(const char *what, struct machine_bound b)
{
    if (b.on)
        printf(" and_at_most_%u_%s", b.most, what);
}

int main(int argc, char **argv)
{
    struct options o;
    struct error e = {0};
    int first;
    if (!options_parse(argc, argv, "kmi", &o, &first, &e))
        return cli_fail(&e);
    timed = argc - first == 4 && strcmp(argv[argc - 1], "timed") == 0;
    if (argc - first != 3 + timed) {
        fprintf(stderr, "usage: generated [options] SCENARIO.lua FIRST COUNT [timed]\n");
        return 2;
    }
    if (!session_open(&session, &o, argv + first, 1, &e) || !session_boot(&session, NULL, &e))
        return cli_fail(&e);
    program_at = find(GENERATED_MAGIC, 0);
    results_at = find(GENERATED_RESULTS_MAGIC, 0);
    if (program_at == 0 || results_at == 0) {
        fprintf(stderr, "generated: the driver holds no program\n");
        return 1;
    }
    outcome = apart_shared(sizeof *outcome);
    uint64_t seed = strtoull(argv[first + 1], NULL, 10), wanted = strtoull(argv[first + 2], NULL, 10), compared = 0;
    struct outcome sum = {.agree = true};
    uint64_t passed_over = 0, states = 0, with_violations = 0;
    for (; compared < wanted && passed_over < wanted; seed++) {
        *outcome = (struct outcome){0};
        bool ran = apart(compare, &seed);
        if (!ran)
            printf("# seed %" PRIu64 ": failed\n", seed);
        sum.agree = sum.agree && ran && (!outcome->compared || outcome->agree);
        if (!outcome->compared) {
            passed_over++;
            continue;
        }
        compared++;
        sum.executions += outcome->executions;
        sum.redundant += outcome->redundant;
        sum.brute += outcome->brute;
        states += outcome->states;
        with_violations += outcome->violations != 0;
    }
    bool ok = sum.agree && compared == wanted;
    printf("1..1\n# %" PRIu64 " programs, %" PRIu64 " too large; %" PRIu64 " executions and %" PRIu64
           " redundant, brute force %" PRIu64 "; %" PRIu64 " final states, %" PRIu64 " programs with violations\n",
           compared, passed_over, sum.executions, sum.redundant, sum.brute, states, with_violations);
    printf("%s 1 - the_reduction_reaches_what_brute_force_reaches_on_generated_drivers%s", ok ? "ok" : "not ok",
           timed ? "_with_timers" : "");
    print_bound("early_timers", session.bounds.timers);
    print_bound("early_interrupts", session.bounds.interrupts);
    printf("\n");
    session_close(&session);
    return !ok;
}

/* cli/main.c's part. */
int cli_fail(const struct error *e)
{
    fprintf(stderr, "generated: %s\n", e->text);
    return 2;
}

int cli_help(const struct command *c, const char *allowed)
{
    (void)c;
    (void)allowed;
    return 0;
}
