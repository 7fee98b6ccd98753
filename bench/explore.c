/*
 * Exploration, measured: the programs of the partial-order-reduction literature as real drivers (tests/litmus), each
 * explored to completion, beside what other model checkers need for the same programs (their figures were taken once,
 * on another machine: compare executions exactly, seconds roughly); then the buggy twins until the first bug; then what
 * snapshots save. Every measurement is a process of its own, so that peak memory is its own.
 *
 *     explore LITMUS_FOLDER KERNEL [LONGEST_SECONDS [ROW]]
 *
 * Seconds are processor time of one process from its start: loading, boot, and the exploration that finds out what is
 * shared are in it. "learnt" is a second exploration, which knows what is shared; executions and rates are its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"
#include "tests/litmus/apart.h"
#include "cli/cli.h"
#include "explore/symmetry.h"

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- going back by executing again ---- */

/* A subject whose marks are lists of steps: going back restores the root and takes them again. What an explorer without
 * snapshots pays. */
struct again {
    struct subject inner;
    unsigned base; /* the inner mark under all of them */
    VEC(uint8_t) steps;
    VEC(size_t) marks;
};

static uint64_t again_enabled(void *context)
{
    struct again *a = context;
    return a->inner.enabled(a->inner.context);
}

static struct step_result again_step(void *context, unsigned agent, const struct decider *decider)
{
    struct again *a = context;
    vec_push(&a->steps, (uint8_t)agent);
    return a->inner.step(a->inner.context, agent, decider);
}

static enum machine_stop again_quiescent(void *context)
{
    struct again *a = context;
    return a->inner.quiescent(a->inner.context);
}

static unsigned again_push(void *context)
{
    struct again *a = context;
    if (a->marks.count == 0)
        a->base = a->inner.push(a->inner.context);
    vec_push(&a->marks, a->steps.count);
    return (unsigned)a->marks.count - 1;
}

static uint32_t no_choice(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    (void)context, (void)agent, (void)kind, (void)n;
    return 0;
}

static void again_restore(void *context, unsigned depth)
{
    struct again *a = context;
    struct decider decider = {NULL, no_choice};
    a->marks.count = depth + 1;
    a->steps.count = a->marks.data[depth];
    a->inner.restore(a->inner.context, a->base);
    for (size_t i = 0; i < a->steps.count; i++)
        a->inner.step(a->inner.context, a->steps.data[i], &decider);
}

static void again_drop(void *context, unsigned depth)
{
    struct again *a = context;
    a->marks.count = depth;
    if (depth == 0)
        a->inner.drop(a->inner.context, a->base);
}

static void again_begin(void *context)
{
    struct again *a = context;
    a->inner.begin_execution(a->inner.context);
}

static bool again_grew(void *context)
{
    struct again *a = context;
    return a->inner.grew(a->inner.context);
}

static void again_key(void *context, char *out, size_t size)
{
    struct again *a = context;
    a->inner.violation_key(a->inner.context, out, size);
}

static struct subject executing_again(struct again *a)
{
    return (struct subject){.context = a,
                            .enabled = again_enabled,
                            .step = again_step,
                            .quiescent = again_quiescent,
                            .push = again_push,
                            .restore = again_restore,
                            .drop = again_drop,
                            .begin_execution = again_begin,
                            .grew = again_grew,
                            .violation_key = again_key};
}

/* ---- rows ---- */

static const char *litmus, *kernel;
static double longest = 20;
static const char *only;

/* Opens and boots a litmus program with so many threads. */
static void boot(struct session *s, const char *program, unsigned threads)
{
    struct options o = {.preemptions = -1, .faults = -1, .kernel = kernel};
    struct error e = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/%s/bench-%u.lua", litmus, program, threads);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        exit(2);
    fprintf(f,
            "driver \"%s.sys\"\nthread (\"client\", function (t)\n"
            "  local h = t:open [[\\\\.\\Litmus]]\n  t:ioctl (h, 0x222000 + 4 * %u)\n  t:close (h)\nend)\n",
            program, threads);
    fclose(f);
    char *operand = path;
    if (!session_open(s, &o, &operand, 1, &e) || !session_boot(s, NULL, &e)) {
        fprintf(stderr, "explore: %s: %s\n", program, e.text);
        exit(2);
    }
    remove(path);
    machine_set_sharing(s->machine, true);
}

static struct explore_result explore(struct session *s, const struct subject *subject, const char *strategy,
                                     uint64_t limit, uint64_t seed)
{
    struct explore_options options = {.strategy = strategy,
                                      .max_executions = limit,
                                      .max_steps = 100000,
                                      .seconds = longest,
                                      .preemptions = 1,
                                      .depth = 2,
                                      .seed = seed};
    struct explore_result r;
    struct error e = {0};
    machine_restore(s->machine, s->root);
    if (!explore_run(subject, &options, &r, &e)) {
        fprintf(stderr, "explore: %s\n", e.text);
        exit(2);
    }
    return r;
}

struct proof {
    const char *name, *program;
    unsigned threads;
    const char *traces, *optimal, *states, *target;
    int equal; /* threads from this one on run the same steps; -1: none do */
    const char *symmetric;
};

/* Executions that other tools need: Mazurkiewicz traces on which three agree; Nidhugg's optimal reduction, in which
 * atomic read-modify-writes commute (+ abandoned); GenMC's with symmetry among threads; exact states, for searches that recognise them; target seconds. */
static const struct proof proofs[] = {
    {"bluetooth 1", "bluetooth", 2, "7", "-", "-", "-", 1, "7"},
    {"bluetooth 2", "bluetooth", 3, "132", "102+38", "189", "-", 1, "66"},
    {"bluetooth 3", "bluetooth", 4, "4530", "2382+966", "989", "-", 1, "755"},
    {"bluetooth 4", "bluetooth", 5, "246816", "79752+33912", "5097", "0.2", 1, "10284"},
    {"rundown 3", "rundown_counter", 4, "6", "-", "-", "-", 1, "-"},
    {"rundown 5", "rundown_counter", 6, "120", "120+120", "250", "-", 1, "1"},
    {"remlock 1", "remove_lock", 2, "16", "-", "-", "-", 1, "-"},
    {"remlock 2", "remove_lock", 3, "566", "142+58", "256", "-", 1, "283"},
    {"remlock 3", "remove_lock", 4, "33456", "4194+2070", "1540", "0.16", 1, "5576"},
    {"last-zero 5", "last_zero", 6, "64", "-", "-", "-", -1, "-"},
    {"last-zero 7", "last_zero", 8, "320", "-", "26642", "-", -1, "-"},
    {"last-zero 10", "last_zero", 11, "3328", "-", "1.39M", "0.36", -1, "-"},
    {"readers 8", "readers", 9, "256", "-", "-", "-", -1, "-"},
    {"readers 13", "readers", 14, "8192", "-", "1.6M", "0.26", -1, "-"},
    {"incn 5", "increments", 5, "120", "-", "-", "-", 0, "-"},
    {"incn 7", "increments", 7, "5040", "-", "1.06M", "-", 0, "-"},
    {"indexer 12", "indexer", 12, "8", "-", "-", "-", -1, "-"},
    {"indexer 13", "indexer", 13, "64", "-", "-", "-", -1, "-"},
    {"indexer 15", "indexer", 15, "4096", "-", "-", "-", -1, "-"},
    {"file-system 14", "file_system", 14, "2", "-", "-", "-", -1, "-"},
    {"file-system 16", "file_system", 16, "8", "-", "-", "-", -1, "-"},
    {"file-system 18", "file_system", 18, "32", "-", "-", "-", -1, "-"},
};

static unsigned started_by(const struct machine *m, gva_t routine)
{
    unsigned count = 0;
    struct rd_thread t;
    for (unsigned i = 0; i < machine_thread_count(m); i++)
        count += machine_thread(m, i, &t) && t.start_routine == routine;
    return count;
}

/* The agents of the program's threads from number `first` on: most threads have their start routine, and were made in their
 * order. */
static uint64_t body_agents(const struct machine *m, int first, unsigned threads)
{
    uint64_t agents = 0;
    gva_t routine = 0;
    struct rd_thread t;
    int number = 0;
    for (unsigned i = 0; i < machine_thread_count(m); i++)
        if (machine_thread(m, i, &t) && t.start_routine != 0 && (routine == 0 || started_by(m, t.start_routine) > started_by(m, routine)))
            routine = t.start_routine; /* idle threads have none */
    for (unsigned i = 0; i < machine_thread_count(m); i++)
        if (machine_thread(m, i, &t) && t.start_routine == routine) {
            if (number >= first && number < (int)threads)
                agents |= 1ull << t.cpu;
            number++;
        }
    return agents;
}

/* Executions when equal threads are taken in one order; 0: there are none, or it did not end. */
static uint64_t in_one_order(struct session *s, const struct subject *subject, const struct proof *p)
{
    uint64_t group = p->equal < 0 ? 0 : body_agents(s->machine, p->equal, p->threads);
    if (__builtin_popcountll(group) < 2)
        return 0;
    struct symmetry *symmetry = symmetry_open(subject, &group, 1);
    struct subject alike = symmetry_subject(symmetry);
    struct explore_result r = explore(s, &alike, "dpor", 0, 0);
    symmetry_close(symmetry);
    return r.complete ? r.executions : 0;
}

static void prove(const void *row)
{
    const struct proof *p = row;
    struct session s;
    boot(&s, p->program, p->threads);
    struct subject subject = explore_machine(s.machine);
    struct explore_result first = explore(&s, &subject, "dpor", 0, 0);
    double learnt = processor_seconds();
    if (!first.complete) {
        printf("%-15s %11s %9s %9s %9.2f %8s %8.0f   > %.0f s: %s\n", p->name, "-", "-", "-", learnt, "-",
               peak_megabytes(), longest, first.claim);
        return;
    }
    struct explore_result r = explore(&s, &subject, "dpor", 0, 0);
    double spent = processor_seconds() - learnt;
    char alike[24] = "-";
    uint64_t ordered = in_one_order(&s, &subject, p);
    if (ordered != 0)
        snprintf(alike, sizeof alike, "%llu", (unsigned long long)ordered);
    printf("%-15s %11llu %9llu %9llu %9.3f %8.0f %8.0f %9s | %8s %12s %9s %8s %6s\n", p->name,
           (unsigned long long)r.executions, (unsigned long long)r.blocked, (unsigned long long)r.steps, learnt,
           (double)r.executions / spent, peak_megabytes(), alike, p->traces, p->optimal, p->symmetric, p->states, p->target);
}

struct hunt {
    const char *name, *program;
    unsigned threads;
    const char *bound1, *nidhugg, *loom, *relacy, *shuttle;
};

/* Executions until the first bug; each needs one preemption. Loom with bound 2; Relacy's random mode (mean); Shuttle's
 * PCT of depth 2 (mean). */
static const struct hunt hunts[] = {
    {"bluetooth 1", "bluetooth_buggy", 2, "4", "6", "2", "32", "16"},
    {"bluetooth 2", "bluetooth_buggy", 3, "4", "6", "2", "29", "13"},
    {"bluetooth 3", "bluetooth_buggy", 4, "4", "6", "2", "20", "11"},
    {"rundown 2", "rundown_counter_buggy", 3, "2", "2", "4", "2-5", "1"},
    {"remlock 1", "remove_lock_buggy", 2, "2", "2", "9", "15", "5.6"},
    {"remlock 2", "remove_lock_buggy", 3, "2", "2", "75", "9", "5.8"},
    {"remlock 3", "remove_lock_buggy", 4, "2", "2", "899", "7", "6.1"},
};

static void hunt(const void *row)
{
    const struct hunt *h = row;
    static const char *const strategies[] = {"dpor", "bounded"};
    struct session s;
    boot(&s, h->program, h->threads);
    struct subject subject = explore_machine(s.machine);
    double booted = processor_seconds();
    uint64_t to_first[2];
    double seconds = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct explore_result r = explore(&s, &subject, strategies[i], 0, 0);
        to_first[i] = r.to_first;
        if (i == 0)
            seconds = processor_seconds();
        explore_free(&r);
    }
    double sum = 0;
    for (unsigned seed = 1; seed <= 100; seed++) {
        struct explore_result r = explore(&s, &subject, "pct", 10000, seed);
        sum += (double)r.to_first;
        explore_free(&r);
    }
    printf("%-12s %5llu %9.1f %9.1f %11llu %8.1f | %8s %8s %6s %8s %8s\n", h->name, (unsigned long long)to_first[0],
           booted * 1e3, seconds * 1e3, (unsigned long long)to_first[1], sum / 100, h->bound1, h->nidhugg, h->loom,
           h->relacy, h->shuttle);
}

static const struct proof backtracking[] = {
    {"bluetooth 3", "bluetooth", 4, NULL, NULL, NULL, NULL},
    {"readers 10", "readers", 11, NULL, NULL, NULL, NULL},
    {"indexer 13", "indexer", 13, NULL, NULL, NULL, NULL},
};

static void go_back(const void *row)
{
    const struct proof *p = row;
    struct session s;
    boot(&s, p->program, p->threads);
    struct subject with = explore_machine(s.machine);
    struct again again = {.inner = with};
    struct subject without = executing_again(&again);
    struct explore_result learn = explore(&s, &with, "dpor", 0, 0);
    double a = processor_seconds();
    struct explore_result r = explore(&s, &with, "dpor", 0, 0);
    double b = processor_seconds();
    struct explore_result o = explore(&s, &without, "dpor", 0, 0);
    double c = processor_seconds();
    if (!learn.complete || !o.complete || o.executions != r.executions) {
        printf("%-15s the two explorations differ: %llu and %llu executions\n", p->name,
               (unsigned long long)r.executions, (unsigned long long)o.executions);
        exit(1);
    }
    printf("%-15s %11llu %14.0f %14.0f %9.1f\n", p->name, (unsigned long long)r.executions,
           (double)r.executions / (b - a), (double)o.executions / (c - b), (c - b) / (b - a));
}

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define EACH(table, measure)                                                                       \
    for (size_t i = 0; i < COUNT(table); i++)                                                      \
        if (only == NULL || strcmp(only, (table)[i].name) == 0)                                    \
            ok = apart(measure, &(table)[i]) && ok;

int main(int argc, char **argv)
{
    bool ok = true;
    if (argc < 3 || argc > 5) {
        fprintf(stderr, "usage: explore LITMUS_FOLDER KERNEL [LONGEST_SECONDS [ROW]]\n");
        return 2;
    }
    litmus = argv[1];
    kernel = argv[2];
    if (argc > 3)
        longest = atof(argv[3]);
    only = argc > 4 ? argv[4] : NULL;
    printf("complete exploration %88s | other tools on the same program\n", "");
    printf("%-15s %11s %9s %9s %9s %8s %8s %9s | %8s %12s %9s %8s %6s\n", "program", "executions", "redundant", "steps",
           "seconds", "exec/s", "peak MB", "one order", "traces", "RMW commute", "symmetry", "states", "target");
    EACH(proofs, prove)
    printf("\nexecutions to the first bug; milliseconds of boot, and of all up to the bug\n");
    printf("%-12s %5s %9s %9s %11s %8s | %8s %8s %6s %8s %8s\n", "program", "dpor", "boot", "to bug", "bounded 1",
           "pct 2", "bound 1", "Nidhugg", "Loom 2", "Relacy", "Shuttle");
    EACH(hunts, hunt)
    printf("\ngoing back\n%-15s %11s %14s %14s %9s\n", "program", "executions", "snapshots /s", "executing /s",
           "ratio");
    EACH(backtracking, go_back)
    return ok ? 0 : 1;
}

/* cli/main.c's part. */
int cli_fail(const struct error *e)
{
    fprintf(stderr, "explore: %s\n", e->text);
    return 2;
}

int cli_help(const struct command *c, const char *allowed)
{
    (void)c;
    (void)allowed;
    return 0;
}
