/* A quick look for a bug in the middle of a long search (explore/burst.h). */
#include "explore/burst.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explore/process.h"
#include "explore/wire.h"

/* Executions of the search that come first: small ones end before. */
#define AFTER 2000u
#define SEED 1

static const struct attempt {
    const char *name, *strategy;
    unsigned depth, preemptions;
    uint64_t executions;
} attempts[] = {
    {"dpor; found in a burst of pct, depth 2", "pct", 2, 0, 300},
    {"dpor; found in a burst of pct, depth 3", "pct", 3, 0, 300},
    {"dpor; found in a burst of bounded, 1 preemption", "bounded", 0, 1, 1000},
};
#define ATTEMPTS (sizeof attempts / sizeof attempts[0])

bool burst_wanted(const struct explorer *x)
{
    return x->options->burst && !x->burst_done && !x->options->all && x->wanted == NULL && !x->frozen &&
           x->result->executions + x->result->blocked >= AFTER;
}

static void try_one(const struct explorer *x, const struct attempt *a, struct explore_result *r)
{
    double left = x->options->seconds > 0 ? x->options->seconds - (explorer_now() - x->started) : 0;
    struct explore_options o = {.strategy = a->strategy,
                                .max_executions = a->executions,
                                .seconds = x->options->seconds > 0 && left < 0.001 ? 0.001 : left,
                                .seed = SEED,
                                .depth = a->depth,
                                .preemptions = a->preemptions,
                                .max_steps = x->options->max_steps};
    struct explorer y = {.subject = x->subject, .options = &o, .result = r, .rng = {SEED}, .frozen = true,
                         .root = x->root, .started = explorer_now()};
    struct error e = {0};
    *r = (struct explore_result){.stop = STOP_END};
    RD_ASSERT(explore_strategy(a->strategy)->run(&y, &e));
}

/* Executions, the attempt that met a violation or how many there are, and the violation. */
static void child(const struct explorer *x, int fd)
{
    struct wire w = {.at = 0};
    struct explore_result r = {.executions = 0};
    uint64_t executions = 0;
    size_t i = 0;
    for (; i < ATTEMPTS; i++) {
        try_one(x, &attempts[i], &r);
        executions += r.executions;
        if (r.violation_count > 0 || r.stop != STOP_END)
            break;
    }
    bool found = i < ATTEMPTS && r.violation_count > 0;
    put_u64(&w, executions);
    put_u64(&w, found ? i : ATTEMPTS);
    if (found) {
        put_bytes(&w, r.violations[0].key, sizeof r.violations[0].key);
        put_schedule(&w, &r.violations[0].schedule);
    }
    wire_send(fd, &w);
}

void burst_run(struct explorer *x)
{
    struct explore_result *r = x->result;
    struct wire w = {.at = 0};
    int fd, pid = process_fork(&fd);
    x->burst_done = true;
    if (pid == 0) {
        child(x, fd);
        _exit(0);
    }
    if (pid < 0)
        return;
    if (wire_receive(fd, &w)) {
        char key[sizeof r->violations->key];
        struct schedule schedule = {NULL, 0, 0};
        r->sampled = get_u64(&w);
        uint64_t which = get_u64(&w);
        if (which < ATTEMPTS) {
            get_bytes(&w, key, sizeof key);
            get_schedule(&w, &schedule);
            RD_ASSERT(!w.broken);
            r->found_by = attempts[which].name;
            r->to_first = r->voided + r->executions + r->sampled;
            explorer_violation(x, key, &schedule, 1);
        }
        free(schedule.data);
    }
    wire_free(&w);
    close(fd);
    process_end(pid);
}
