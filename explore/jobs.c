/*
 * The coordinator of a shared search (explore/jobs.h): it hands units to workers and adds up what they say. It never steps
 * the machine, so a worker can be forked from it at any time. Limits are its own affair: a worker goes on until it is told
 * to stop, and then says how far it is, so that a checkpoint loses nothing.
 */
#include "explore/jobs.h"
#include "explore/checkpoint.h"
#include "explore/process.h"
#include "explore/worker.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Executions that one process does alone first: most searches end before. */
#define ALONE 2000u
#define MAX_JOBS 256
/* A unit whose workers die again and again is a bug of ours. */
#define UNIT_LIVES 5
#define POLL_MILLISECONDS 100
/* Between two times that workers say how far they are, and that a checkpoint is written; more when that takes long. */
#define SAVE_SECONDS 1.0
#define SAVE_SHARE 50
/* For the last words of all. */
#define LAST_SECONDS 2.0

struct job {
    int pid, fd;
    bool busy;
    unsigned heard; /* board->save when it last said how far it is */
    struct unit unit;
};

struct jobs {
    struct explorer *x;
    struct jobs_board *board;
    struct job job[MAX_JOBS];
    unsigned count;
    struct units units;
    unsigned deaths;
    double next_save, writing; /* how long the last checkpoint took */
    bool unwritten; /* all were asked how far they are, and it has not been written down */
    bool failed, ending;
    bool cut;               /* x->cut without the limits of this run */
    char reason[sizeof ((struct explorer *)0)->reason];
};

bool jobs_wanted(const struct dpor *d)
{
    const struct explorer *x = d->x;
    const struct explore_options *o = x->options;
    if (x->wanted != NULL || x->frozen || d->nodes.count < 2)
        return false;
    return o->checkpoint != NULL ||
           (o->jobs > 1 && x->result->executions + x->result->blocked >= (o->jobs_after != 0 ? o->jobs_after : ALONE));
}

/* ---- what workers find ---- */

static void get_findings(struct jobs *j, struct wire *w, struct shared *node)
{
    struct shared **way;
    size_t depth = shared_way(node, &way), count = get_count(w);
    RD_ASSERT(count <= depth);
    for (size_t i = 0; i < count; i++) {
        struct node found = {.agent = NO_AGENT};
        uint64_t agents = get_u64(w);
        get_assumptions(w, &found.assumptions);
        get_wakes(w, &found.found);
        node_add(&way[i]->n, agents, &found.found, &found.assumptions);
        units_schedule(&j->units, way[i]);
    }
    free(way);
}

/* Counts and violations, as far as they come. */
static void get_counted(struct jobs *j, struct wire *w)
{
    get_outcome(w, j->x);
    RD_ASSERT(!w->broken);
    j->cut = j->x->cut;
    memcpy(j->reason, j->x->reason, sizeof j->reason);
}

/* ---- workers ---- */

static void start(struct jobs *j, struct job *job)
{
    int fd, pid = process_fork(&fd);
    if (pid == 0) {
        for (unsigned i = 0; i < j->count; i++)
            if (j->job[i].pid != 0)
                close(j->job[i].fd);
        j->x->board = j->board;
        worker_main(j->x, fd);
    }
    if (pid < 0)
        j->failed = true;
    else
        *job = (struct job){.pid = pid, .fd = fd};
}

static void bury(struct job *job)
{
    close(job->fd);
    process_end(job->pid);
    job->pid = 0;
}

static void split(struct jobs *j, struct job *job, struct wire *w)
{
    struct unit *u = &job->unit;
    job->heard = (unsigned)get_u64(w);
    get_findings(j, w, u->node);
    struct shared *last = units_get_chain(&j->units, w, u->node, u->transition);
    if (last != NULL) {
        shared_release(u->node);
        u->node = last; /* with the chain's reference */
        u->transition = last->n.explored.count - 1;
        /* Transitions that a probe adds come behind it. */
    }
    u->lives = 0;
    u->saved_size = get_count(w);
    free(u->saved);
    u->saved = malloc(u->saved_size + 1);
    RD_ASSERT(u->saved != NULL);
    get_bytes(w, u->saved, u->saved_size);
    get_counted(j, w);
}

static void take_probed(struct jobs *j, struct unit *u, struct wire *w)
{
    struct shared *s = u->node;
    get_findings(j, w, s);
    size_t from = s->n.explored.count;
    for (size_t count = get_count(w); count > 0; count--)
        vec_push(&s->n.explored, get_transition(w));
    get_counted(j, w);
    for (size_t i = from; i < s->n.explored.count; i++)
        if (!node_transition_sleeps(&s->n, u->agent, &s->n.explored.data[i]->answers))
            units_add(&j->units, (struct unit){.task = TASK_EXPLORE, .node = s, .transition = i});
    units_probed(&j->units, s, u->agent);
}

static void take_grown(struct jobs *j, struct wire *w)
{
    get_counted(j, w);
    size_t count = (size_t)get_u64(w);
    RD_ASSERT(count <= (w->bytes.count - w->at) / sizeof(uint64_t));
    uint64_t *granules = malloc(count * sizeof *granules + 1);
    RD_ASSERT(granules != NULL);
    get_bytes(w, granules, count * sizeof *granules);
    j->x->subject->share(j->x->subject->context, granules, count);
    free(granules);
    j->x->grown = true;
}

/* What it had not handed in goes back into the queue. */
static void died(struct jobs *j, struct job *job)
{
    bury(job);
    j->deaths++;
    if (job->busy) {
        struct unit u = job->unit;
        job->busy = false;
        if (++u.lives >= UNIT_LIVES && !j->ending)
            j->failed = true;
        RD_ASSERT(unit_unsave(&j->units, &u));
        units_add(&j->units, u);
        shared_release(u.node);
    }
    if (!j->failed && !j->ending)
        start(j, job);
}

static void hear(struct jobs *j, struct job *job)
{
    struct wire w = {.at = 0};
    if (!wire_receive(job->fd, &w)) {
        died(j, job);
        wire_free(&w);
        return;
    }
    bool over = true;
    switch (get_u64(&w)) {
    case SAY_SPLIT:
        split(j, job, &w);
        over = false;
        break;
    case SAY_DONE:
        get_findings(j, &w, job->unit.node);
        get_counted(j, &w);
        break;
    case SAY_PROBED:
        take_probed(j, &job->unit, &w);
        break;
    case SAY_GREW:
        take_grown(j, &w);
        break;
    default:
        RD_ASSERT(!"a worker said something unknown");
    }
    if (over) {
        job->busy = false;
        unit_over(&job->unit);
    }
    wire_free(&w);
}

static void hand_out(struct jobs *j)
{
    unsigned idle = 0;
    for (unsigned i = 0; i < j->count; i++) {
        struct job *job = &j->job[i];
        if (job->busy || job->pid == 0)
            continue;
        if (!units_take(&j->units, &job->unit)) {
            idle++;
            continue;
        }
        struct wire w = {.at = 0};
        job->busy = true;
        put_unit(&w, &job->unit);
        wire_send(job->fd, &w); /* a dead one is found when it is listened to */
        wire_free(&w);
    }
    atomic_store_explicit(&j->board->hungry, idle, memory_order_relaxed);
}

static unsigned busy(const struct jobs *j)
{
    unsigned n = 0;
    for (unsigned i = 0; i < j->count; i++)
        n += j->job[i].busy;
    return n;
}

static void listen_to_all(struct jobs *j)
{
    struct pollfd p[MAX_JOBS];
    for (unsigned i = 0; i < j->count; i++)
        p[i] = (struct pollfd){.fd = j->job[i].pid != 0 ? j->job[i].fd : -1, .events = POLLIN};
    int n = poll(p, j->count, POLL_MILLISECONDS);
    for (unsigned i = 0; i < j->count && n > 0; i++)
        if (p[i].revents != 0 && !j->x->grown)
            hear(j, &j->job[i]);
}

/* ---- checkpoints and limits ---- */

static void write_down(struct jobs *j)
{
    struct explorer *x = j->x;
    struct unit *units[MAX_JOBS];
    struct error e = {0};
    unsigned n = 0;
    bool cut = x->cut;
    char reason[sizeof x->reason];
    for (unsigned i = 0; i < j->count; i++)
        if (j->job[i].busy)
            units[n++] = &j->job[i].unit;
    memcpy(reason, x->reason, sizeof reason);
    x->cut = j->cut;
    memcpy(x->reason, j->reason, sizeof reason);
    bool ok = checkpoint_write(x->options->checkpoint, x, &j->units, units, n, &e);
    x->cut = cut;
    memcpy(x->reason, reason, sizeof reason);
    if (!ok)
        explorer_stop(x, "the checkpoint cannot be written");
}

static bool all_heard(const struct jobs *j, unsigned save)
{
    for (unsigned i = 0; i < j->count; i++)
        if (j->job[i].busy && j->job[i].heard != save)
            return false;
    return true;
}

/* Asks the workers how far they are now and then. What they said the last time is written when they are asked again at
 * the latest, so that one who is long in a step keeps nobody waiting. */
static void save(struct jobs *j)
{
    const struct explore_options *o = j->x->options;
    unsigned generation = atomic_load_explicit(&j->board->save, memory_order_relaxed);
    double seconds = o->checkpoint_seconds > 0 ? o->checkpoint_seconds : SAVE_SECONDS, now = explorer_now();
    bool due = now >= j->next_save;
    if (j->unwritten && o->checkpoint != NULL && (due || all_heard(j, generation))) {
        write_down(j);
        j->unwritten = false;
        j->writing = explorer_now() - now;
    }
    if (due) {
        atomic_store_explicit(&j->board->save, generation + 1, memory_order_relaxed);
        j->next_save = now + (seconds > SAVE_SHARE * j->writing ? seconds : SAVE_SHARE * j->writing);
        j->unwritten = true;
    }
}

/* Tells all to stop, and hears how far they have come. */
static void last_words(struct jobs *j)
{
    double until = explorer_now() + LAST_SECONDS;
    j->ending = true;
    atomic_store_explicit(&j->board->stop, 1, memory_order_relaxed);
    while (busy(j) > 0 && !j->x->grown && explorer_now() < until)
        listen_to_all(j);
}

static void end_all(struct jobs *j)
{
    struct explorer *x = j->x;
    bool limited = x->over && x->result->stop == STOP_END && !x->grown && !j->failed;
    if (limited && (x->options->all || x->result->violation_count == 0))
        last_words(j);
    if (x->options->checkpoint != NULL && x->result->stop == STOP_END && !x->grown && !j->failed)
        write_down(j);
    for (unsigned i = 0; i < j->count; i++)
        if (j->job[i].pid != 0)
            bury(&j->job[i]);
    for (unsigned i = 0; i < j->count; i++)
        if (j->job[i].busy)
            unit_over(&j->job[i].unit);
    units_free(&j->units);
}

/* ---- progress ---- */

static double share_done(const struct jobs *j)
{
    double left = 0;
    for (unsigned i = 0; i < j->count; i++)
        if (j->job[i].busy)
            left += unit_share(&j->job[i].unit);
    for (size_t i = j->units.at; i < j->units.queue.count; i++)
        left += unit_share(&j->units.queue.data[i]);
    return left < 1 ? 1 - left : 0;
}

/* What all have counted so far, for limits and whoever watches. */
static void show(struct jobs *j)
{
    struct explorer *x = j->x;
    struct explore_result *r = x->result, now = *r;
    uint64_t max = x->options->max_executions;
    now.executions = atomic_load_explicit(&j->board->executions, memory_order_relaxed) - r->voided;
    now.steps = atomic_load_explicit(&j->board->steps, memory_order_relaxed);
    if (explorer_progress_due(x)) {
        now.done = share_done(j);
        now.frontier = units_waiting(&j->units) + busy(j);
    }
    x->result = &now;
    explorer_tick(x);
    x->result = r;
    if (max != 0 && now.executions + r->voided >= max)
        explorer_stop(x, "execution limit reached");
}

/* ---- from beginning to end ---- */

void jobs_run_units(struct explorer *x, struct units *units)
{
    struct jobs *j = calloc(1, sizeof *j);
    RD_ASSERT(j != NULL);
    j->x = x;
    j->units = *units;
    *units = (struct units){.at = 0};
    j->board = mmap(NULL, sizeof *j->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    RD_ASSERT(j->board != MAP_FAILED);
    atomic_store(&j->board->executions, x->result->voided + x->result->executions);
    atomic_store(&j->board->steps, x->result->steps);
    j->count = x->options->jobs < MAX_JOBS ? x->options->jobs : MAX_JOBS;
    j->count += j->count == 0;
    j->cut = x->cut;
    memcpy(j->reason, x->reason, sizeof j->reason);
    for (unsigned i = 0; i < j->count && !j->failed; i++)
        start(j, &j->job[i]);
    while (!x->over && !x->grown && !j->failed) {
        hand_out(j);
        if (busy(j) == 0)
            break;
        listen_to_all(j);
        if (!x->over && !x->grown)
            show(j);
        if (!x->over && !x->grown)
            save(j);
    }
    if (j->failed && !x->over) {
        x->result->stop = STOP_INTERNAL;
        explorer_stop(x, "a job died");
    }
    end_all(j);
    munmap(j->board, sizeof *j->board);
    free(j);
}

/* The tree so far, without the top node, which has nothing behind it yet. */
static void publish_all(struct units *units, struct dpor *d)
{
    struct wire w = {.at = 0};
    size_t count = d->nodes.count - 1;
    put_u64(&w, count);
    for (size_t i = 0; i < count; i++)
        put_published(&w, &d->nodes.data[i], &d->history.events.data[i].footprint);
    struct shared *last = units_get_chain(units, &w, NULL, 0);
    wire_free(&w);
    units_add(units, (struct unit){.task = TASK_EXPLORE,
                                   .node = last,
                                   .transition = last->n.explored.count - 1});
    shared_release(last);
}

void jobs_run(struct dpor *d)
{
    struct units units = {.at = 0};
    struct explorer *x = d->x;
    publish_all(&units, d);
    dpor_clear(d);
    dpor_init(d, x);
    x->subject->restore(x->subject->context, x->root);
    jobs_run_units(x, &units);
}
