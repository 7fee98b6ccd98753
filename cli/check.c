/*
 * `rundown check`: explores, and on a violation makes the shortest schedule that still shows it,
 * replays that with everything recorded, writes the failure file and prints the report. Everything
 * printed about a violation comes from the replay, so what cannot be replayed is never reported as
 * if it could.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"

#define ALLOWED "SPntsjKRHTcOfmivaoJbkh"
#define MINIMISE_EXECUTIONS 400
/* Few real bugs need more. */
#define DEFAULT_PREEMPTIONS 2
/* Steps of one execution before it counts as endless. */
#define EXECUTION_STEPS 200000

struct checking {
    struct session session;
    const struct options *options;
    struct explore_result result;
    char covers[640];
    char claim[512], bounds[192];
    char check[HASH_TEXT]; /* of all that is explored */
    double started;
    uint64_t before; /* executions that are not this process's */
    bool began;
    bool terminal;
    bool shown; /* a progress line is on the screen */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

static void show_progress(void *context, const struct explore_result *r)
{
    struct checking *c = context;
    double seconds = now() - c->started;
    if (!c->terminal || seconds < 1)
        return;
    char done[64] = "";
    if (r->done > 0)
        snprintf(done, sizeof done, ", perhaps %.2g %% of the tree known now", 100 * r->done);
    if (!c->began) {
        c->began = true;
        c->before = r->voided + r->executions + r->blocked; /* of a checkpoint */
    }
    fprintf(stderr, "\r\033[K%llu executions, %.0f a second, %llu steps, depth %llu, frontier %llu%s%s",
            (unsigned long long)(r->voided + r->executions),
            (double)(r->voided + r->executions + r->blocked - c->before) / seconds,
            (unsigned long long)r->steps, (unsigned long long)r->max_depth, (unsigned long long)r->frontier, done,
            r->violation_count ? ", violations found" : "");
    fflush(stderr);
    c->shown = true;
}

static void clear_progress(struct checking *c)
{
    if (c->shown)
        fprintf(stderr, "\r\033[K");
    c->shown = false;
}

/* NAME.rdn in the current folder, or what -o says; "NAME-2.rdn" for the second violation. */
static char *failure_path(const struct checking *c, size_t number)
{
    const char *given = c->options->output;
    const char *base = given;
    if (given == NULL)
        base = file_name(c->session.scenario.path != NULL ? c->session.scenario.path
                                                          : c->session.file_paths[0]);
    if (given != NULL && number == 0)
        return str_dup(given);
    size_t n = strlen(base);
    static const char *const endings[] = {".lua", ".sys", ".rdn"};
    for (size_t i = given != NULL ? 2 : 0; i < 3; i++)
        if (n > 4 && strcasecmp(base + n - 4, endings[i]) == 0) {
            n -= 4;
            break;
        }
    return number == 0 ? str_format("%.*s.rdn", (int)n, base)
                       : str_format("%.*s-%zu.rdn", (int)n, base, number + 1);
}

/* An unwritable place is told before hours of exploration, not after. */
static bool writable(const char *path)
{
    char *folder = file_directory(path);
    bool ok = access(folder, W_OK | X_OK) == 0 && (access(path, F_OK) != 0 || file_exists(path));
    free(folder);
    return ok;
}

static bool can_write(const struct checking *c, struct error *e)
{
    char *path = failure_path(c, 0);
    const char *checkpoint = c->options->checkpoint;
    bool ok = writable(path) ||
              error_set(e, ERROR_INPUT, "%s: cannot write a failure file there; give -o FILE", path);
    if (ok && checkpoint != NULL)
        ok = writable(checkpoint) || error_set(e, ERROR_INPUT, "%s: cannot write a checkpoint there", checkpoint);
    free(path);
    return ok;
}

/* `path` as seen from the folder of the failure file; absolute unless both are plain relative paths
 * here. */
static char *image_path(const char *failure, const char *path)
{
    if (path[0] == '/')
        return str_dup(path);
    if (strchr(failure, '/') == NULL)
        return str_dup(path);
    char *absolute = realpath(path, NULL);
    return absolute != NULL ? absolute : str_dup(path);
}

/* What met the violation, or explored. */
static const char *strategy_name(const struct checking *c)
{
    if (c->result.found_by != NULL)
        return c->result.found_by;
    return c->options->strategy != NULL ? c->options->strategy : "dpor";
}

static bool write_failure(struct checking *c, const struct schedule *schedule, const char *path,
                          struct error *e)
{
    struct session *s = &c->session;
    const struct violation *v = machine_violation(s->machine);
    struct failure f = {
        .rule = str_dup(v->rule),
        .sentence = str_dup(v->sentence),
        .bugcheck = str_dup(v->name),
        .guest = session_guest_hash(s),
        .scenario_path = str_dup(s->subject),
        .driver_base = s->driver_base,
        .trace = machine_trace_hash(s->machine),
        .memory = machine_state_hash(s->machine),
        .seed = c->options->seed,
        .strategy = str_dup(strategy_name(c)),
    };
    struct str notes = {0};
    report_notes_text(v, &notes);
    f.notes = str_dup(notes.data ? notes.data : "");
    str_free(&notes);
    f.images = calloc(s->file_count, sizeof *f.images);
    RD_ASSERT(f.images != NULL);
    for (unsigned i = 0; i < s->file_count; i++)
        f.images[f.image_count++] =
            (struct failure_image){str_dup(s->file_names[i]), image_path(path, s->file_paths[i]),
                                   hash_bytes(s->file_data[i].data, s->file_data[i].size)};
    f.loader = malloc(s->loader.size);
    RD_ASSERT(f.loader != NULL);
    memcpy(f.loader, s->loader.data, s->loader.size);
    f.loader_size = s->loader.size;
    f.shared_count = machine_share_list(s->machine, &f.shared);
    f.decisions = calloc(schedule->count + 1, sizeof *f.decisions);
    RD_ASSERT(f.decisions != NULL);
    for (size_t i = 0; i < schedule->count; i++)
        f.decisions[f.decision_count++] = (struct failure_decision){
            schedule->data[i].is_choice, schedule->data[i].agent, schedule->data[i].value};
    bool ok = failure_write(path, &f, e);
    failure_free(&f);
    return ok;
}

static void name_bound(struct str *out, unsigned most, const char *what)
{
    if (most == 0)
        str_addf(out, ", without %ss", what);
    else
        str_addf(out, ", with at most %u %s%s", most, what, most == 1 ? "" : "s");
}

/* Whether a step of the scenario has this operation, or the flag. */
static bool any_step(const struct scenario *s, uint32_t op, uint32_t flag)
{
    for (size_t i = 0; i < s->setup_count; i++)
        if (s->setup[i].op == op && (s->setup[i].flags & flag) == flag)
            return true;
    for (unsigned t = 0; t < s->thread_count; t++)
        for (size_t i = 0; i < s->threads[t].count; i++)
            if (s->threads[t].steps[i].op == op && (s->threads[t].steps[i].flags & flag) == flag)
                return true;
    return false;
}

/* "NAME" when there is no bound; else when it comes instead, and how often it need not. */
static void describe_bound(struct str *out, const struct machine_bound *b, const char *unbounded, const char *bounded)
{
    if (!b->on)
        str_addf(out, "; %s", unbounded);
    else if (b->most == 0)
        str_addf(out, "; %s", bounded);
    else
        str_addf(out, "; %s, at most %u time%s earlier", bounded, b->most, b->most == 1 ? "" : "s");
}

/* What the claim is about. Memory is sequentially consistent here: delays of a processor's stores
 * are not modelled; and threads that share a processor change only when one waits, since the end of
 * a quantum is not a decision. Each kind of choice is there with its bound. */
static void describe_cover(struct checking *c)
{
    const struct scenario *s = &c->session.scenario;
    const struct machine_bounds *b = &c->session.bounds;
    struct str choices = {0};
    static const char *const systems[] = {
        [RD_OS_WIN7] = "win7", [RD_OS_WIN8] = "win8", [RD_OS_WIN10] = "win10"};
    char processors[96] = "a processor for each thread", faults[48] = "no failing allocations";
    if (s->cpus != 0)
        snprintf(processors, sizeof processors, "%u processor%s, without the end of quanta",
                 s->cpus, s->cpus == 1 ? "" : "s");
    if (any_step(s, RD_OP_FAIL_ALLOCATIONS, 0))
        snprintf(faults, sizeof faults, "failing allocations as the scenario says");
    else if (s->fault_budget != 0)
        snprintf(faults, sizeof faults, "at most %u failing allocation%s", s->fault_budget,
                 s->fault_budget == 1 ? "" : "s");
    describe_bound(&choices, &b->timers, "timers at any time after they are due",
                   "timers only when nothing else can run");
    describe_bound(&choices, &b->interrupts, "APC and DPC interrupts at any scheduling point",
                   "APC and DPC interrupts only when their processor waits");
    if (any_step(s, RD_OP_MOUNT, RD_STEP_MAY_PEND))
        str_add(&choices, "; requests that the disk completes at once or pends");
    snprintf(c->covers, sizeof c->covers, "%s; %s%s; %s; %s", systems[s->os], processors, choices.data, faults,
             s->tso ? "x86 store buffers of at most 4 stores, emptied by the kernel" : "sequentially consistent memory");
    str_free(&choices);
    if (s->verifier != 0) {
        char *names = verifier_names(s->verifier);
        size_t n = strlen(c->covers);
        snprintf(c->covers + n, sizeof c->covers - n, "; Driver Verifier %#x (%s)", s->verifier, names);
        free(names);
    }
}

/* What bounds the claim whatever the strategy: the processors, and each kind of choice that is bounded by itself. */
static void describe_bounds(struct checking *c)
{
    const struct scenario *s = &c->session.scenario;
    const struct machine_bounds *b = &c->session.bounds;
    char processors[64] = "";
    struct str bounds = {0};
    if (s->cpus != 0)
        snprintf(processors, sizeof processors, " on %u processor%s without the end of quanta", s->cpus,
                 s->cpus == 1 ? "" : "s");
    if (any_step(s, RD_OP_FAIL_ALLOCATIONS, 0))
        str_add(&bounds, ", with failing allocations as the scenario says");
    else if (s->fault_budget != 0)
        name_bound(&bounds, s->fault_budget, "failing allocation");
    if (b->timers.on)
        name_bound(&bounds, b->timers.most, "early timer");
    if (b->interrupts.on)
        name_bound(&bounds, b->interrupts.most, "early interrupt");
    snprintf(c->bounds, sizeof c->bounds, "%s%s", processors, bounds.data != NULL ? bounds.data : "");
    str_free(&bounds);
}

static const char *full_claim(struct checking *c)
{
    snprintf(c->claim, sizeof c->claim, "%s%s", c->result.claim, c->bounds);
    return c->claim;
}

static struct report make_report(struct checking *c, const struct recording *recording,
                                 const char *path, const struct explore_violation *v)
{
    const struct explore_result *r = &c->result;
    uint64_t *granules;
    size_t shared = machine_share_list(c->session.machine, &granules);
    free(granules);
    return (struct report){
        .scene = report_scene(c->session.machine, machine_violation(c->session.machine), c->session.symbols, recording),
        .recording = recording,
        .facts = {.subject = c->session.subject,
                  .failure = path,
                  .strategy = strategy_name(c),
                  .check = c->check,
                  .shard = c->options->shard,
                  .shards = c->options->shards,
                  .finished = r->finished,
                  .sharing = r->sharing,
                  .key = v != NULL ? v->key : NULL,
                  .count = v != NULL ? v->count : 0,
                  .claim = full_claim(c),
                  .covers = c->covers,
                  .bounds = c->bounds,
                  /* A clean verdict rests on the last round alone; a bug was found by all of them. */
                  .executions = r->executions + (r->violation_count > 0 ? r->voided : 0),
                  .blocked = r->blocked,
                  .steps = r->steps,
                  .shared = shared,
                  .to_first = r->to_first,
                  .seed = c->options->seed,
                  .seconds = now() - c->started},
        .colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL,
    };
}

static void print_report(const struct options *o, const struct report *r)
{
    if (o->json)
        report_json(r, stdout);
    else
        report_text(r, stdout);
}

/* Shortest, replayed, written, printed. */
struct summary {
    char bucket[256]; /* rule, and who is to blame */
    uint64_t count;
};

static int show_violation(struct checking *c, size_t number, struct summary *line)
{
    struct session *s = &c->session;
    struct explore_violation *v = &c->result.violations[number];
    struct subject subject = explore_machine(s->machine);
    struct error e = {0};
    machine_restore(s->machine, s->root);
    explore_minimise(&subject, &v->schedule, v->key, MINIMISE_EXECUTIONS);
    struct recording *recording;
    enum machine_stop stop = session_replay(s, &v->schedule, &recording, &e);
    if (stop != STOP_VIOLATION && session_repair(s, &v->schedule, v->key)) {
        recording_close(recording);
        e = (struct error){0};
        stop = session_replay(s, &v->schedule, &recording, &e);
    }
    int status = EXIT_VIOLATION;
    char *path = failure_path(c, number);
    clear_progress(c);
    if (stop != STOP_VIOLATION) {
        struct error internal = {0};
        error_set(&internal, ERROR_INTERNAL,
                  "the violation \"%s\" was found but its replay did not reach it: %s", v->key,
                  e.kind != ERROR_NONE ? e.text : "the run ended otherwise");
        status = cli_fail(&internal);
    } else if (!write_failure(c, &v->schedule, path, &e)) {
        status = cli_fail(&e);
    } else {
        struct report r = make_report(c, recording, path, v);
        print_report(c->options, &r);
        report_line(&r, line->bucket, sizeof line->bucket);
        line->count = v->count;
    }
    recording_close(recording);
    free(path);
    return status;
}

/* A DriverEntry that crashes while the scenario is set up: no interleaving, nothing to replay but
 * the boot. */
static int show_boot_violation(struct checking *c)
{
    struct report r = make_report(c, NULL, NULL, NULL);
    r.facts.strategy = NULL;
    print_report(c->options, &r);
    return EXIT_VIOLATION;
}

/* Distinct violations, and how often each was met. Two places in the code can be one bug to a reader: the lines say so by
 * being equal. */
static void print_summary(struct checking *c, const struct summary *lines)
{
    const struct explore_result *r = &c->result;
    printf("\n%zu distinct violation%s in %llu executions: %s\n", r->violation_count,
           r->violation_count == 1 ? "" : "s", (unsigned long long)(r->executions + r->voided), full_claim(c));
    for (size_t i = 0; i < r->violation_count; i++) {
        char *path = failure_path(c, i);
        if (lines[i].bucket[0] != '\0')
            printf("  %8llu times  %s  (%s)\n", (unsigned long long)lines[i].count, lines[i].bucket, path);
        free(path);
    }
}

static int conclude(struct checking *c)
{
    const struct explore_result *r = &c->result;
    clear_progress(c);
    if (r->violation_count > 0) {
        int worst = EXIT_VIOLATION;
        struct summary *lines = calloc(r->violation_count, sizeof *lines);
        RD_ASSERT(lines != NULL);
        for (size_t i = 0; i < r->violation_count; i++) {
            int status = show_violation(c, i, &lines[i]);
            worst = status > worst ? status : worst;
        }
        if (c->options->all && !c->options->json)
            print_summary(c, lines);
        free(lines);
        return worst;
    }
    struct report report = make_report(c, NULL, NULL, NULL);
    print_report(c->options, &report);
    return EXIT_CLEAN;
}

static int check_session(struct checking *c)
{
    struct session *s = &c->session;
    const struct options *o = c->options;
    struct error e = {0};
    c->started = now();
    describe_cover(c);
    describe_bounds(c);
    hash_text(session_hash(s), c->check);
    c->terminal = isatty(STDERR_FILENO);
    if (!session_boot(s, NULL, &e))
        return e.kind != ERROR_NONE ? cli_fail(&e) : show_boot_violation(c);
    machine_set_sharing(s->machine, true);
    struct subject subject = explore_machine(s->machine);
    struct explore_options options = {
        .strategy = o->strategy,
        .max_executions = o->executions,
        .seconds = o->seconds,
        .seed = o->seed,
        .preemptions = o->preemptions >= 0 ? (unsigned)o->preemptions : DEFAULT_PREEMPTIONS,
        .max_steps = EXECUTION_STEPS,
        .jobs = o->jobs != 0 ? o->jobs : processors(),
        .shard = o->shard,
        .shards = o->shards,
        .checkpoint = o->checkpoint,
        .resume = o->resume,
        .identity = session_hash(s),
        .burst = o->strategy == NULL && o->checkpoint == NULL && o->shards == 0,
        .all = o->all,
        .progress = show_progress,
        .progress_context = c,
    };
    if (!explore_run(&subject, &options, &c->result, &e))
        return cli_fail(&e);
    if (c->result.violation_count == 0 && c->result.stop != STOP_END) {
        clear_progress(c);
        return session_stopped(s, c->result.stop);
    }
    int status = conclude(c);
    explore_free(&c->result);
    return status;
}

static int check(int argc, char **argv)
{
    struct options o;
    struct error e = {0};
    int first;
    if (!options_parse(argc, argv, ALLOWED, &o, &first, &e))
        return cli_fail(&e);
    if (o.help)
        return cli_help(&command_check, ALLOWED);
    struct checking c = {.options = &o};
    int status;
    if (!session_open(&c.session, &o, argv + first, argc - first, &e) || !can_write(&c, &e))
        status = cli_fail(&e);
    else
        status = check_session(&c);
    session_close(&c.session);
    return status;
}

const struct command command_check = {
    .name = "check",
    .synopsis = "DRIVER.sys... | SCENARIO.lua",
    .help =
        "Explores the interleavings of the scenario's threads and stops at the first violation. "
        "Given only\n"
        "drivers, loads them, exercises their devices from two threads and unloads them meanwhile.",
    .run = check,
};
