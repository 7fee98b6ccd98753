/*
 * The coordinator of a shared search (explore/jobs.h): shared nodes, units, workers. It never steps the machine, so
 * a worker can be forked from it at any time.
 *
 * At each shared node one agent is probed at a time, so that the order in which agents count as explored is the order of
 * n->explored; a unit is told of those before its own agent alone. Were two siblings told of each other, both would
 * sleep behind the other, and what begins with either would be lost.
 */
#include "explore/jobs.h"
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
#define UNIT_LIVES 3
#define POLL_MILLISECONDS 100

struct shared {
    struct node n;
    struct shared *parent;
    size_t taken;    /* transition of the parent that leads here */
    unsigned refs;   /* units here, and children */
    uint64_t probing; /* the agent being probed */
};

struct unit {
    uint64_t task;
    struct shared *node;
    size_t transition;      /* TASK_EXPLORE: of node->n.explored */
    unsigned agent;         /* TASK_PROBE */
    struct answers answers; /* and behind which; moved */
    bool further;
    unsigned lives;
};

struct job {
    int pid, fd;
    bool busy;
    struct unit unit;
};

struct jobs {
    struct explorer *x;
    struct jobs_board *board;
    struct job job[MAX_JOBS];
    unsigned count;
    VEC(struct unit) queue; /* from queue_at */
    size_t queue_at;
    unsigned deaths;
    bool failed;
};

bool jobs_wanted(const struct dpor *d)
{
    const struct explorer *x = d->x;
    return x->options->jobs > 1 && x->wanted == NULL && !x->frozen && d->nodes.count > 1 &&
           x->result->executions + x->result->blocked >=
               (x->options->jobs_after != 0 ? x->options->jobs_after : ALONE);
}

/* ---- shared nodes ---- */

static void release(struct shared *s)
{
    while (s != NULL && --s->refs == 0) {
        struct shared *parent = s->parent;
        node_close(&s->n);
        free(s);
        s = parent;
    }
}

static void enqueue(struct jobs *j, struct unit u)
{
    u.node->refs++;
    vec_push(&j->queue, u);
}

/* Has the next agent probed that is to be tried at the node. */
static void schedule(struct jobs *j, struct shared *s)
{
    uint64_t untried = s->n.backtrack & ~node_covered(&s->n);
    if (s->probing != 0 || untried == 0)
        return;
    s->probing = untried & -untried;
    enqueue(j, (struct unit){.task = TASK_PROBE,
                             .node = s,
                             .agent = (unsigned)__builtin_ctzll(untried)});
}

static void probed(struct jobs *j, struct shared *s, unsigned agent)
{
    s->probing = 0;
    node_agent_done(&s->n, agent);
    schedule(j, s);
}

static bool more_answers(const struct answers *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->data[i].value + 1u < a->data[i].limit)
            return true;
    return false;
}

/* A node as put_published() wrote it; the last of its transitions leads on. */
static struct shared *get_shared(struct jobs *j, struct wire *w, struct shared *parent, size_t taken)
{
    struct shared *s = calloc(1, sizeof *s);
    RD_ASSERT(s != NULL);
    s->n = (struct node){.agent = NO_AGENT, .owns_sleep = true};
    s->n.enabled = get_u64(w);
    s->n.backtrack = get_u64(w);
    s->n.done = get_u64(w);
    s->n.asleep = get_u64(w);
    for (size_t count = get_count(w); count > 0 && !w->broken; count--)
        vec_push(&s->n.sleep, get_transition(w));
    for (size_t count = get_count(w); count > 0 && !w->broken; count--)
        vec_push(&s->n.explored, get_transition(w));
    get_assumptions(w, &s->n);
    RD_ASSERT(!w->broken && s->n.explored.count > 0);
    s->parent = parent;
    s->taken = taken;
    s->refs = 1; /* its maker's, until it has a child or a unit of its own */
    if (parent != NULL)
        parent->refs++;

    const struct transition *current = s->n.explored.data[s->n.explored.count - 1];
    if (more_answers(&current->answers)) {
        struct unit u = {
            .task = TASK_PROBE, .node = s, .agent = current->agent, .further = true};
        for (size_t i = 0; i < current->answers.count; i++)
            vec_push(&u.answers, current->answers.data[i]);
        s->probing = AGENT_BIT(current->agent);
        enqueue(j, u);
    } else {
        probed(j, s, current->agent);
    }
    return s;
}

/* A chain of published nodes below `parent`'s transition. Returns the last one, with a reference for the caller. */
static struct shared *get_chain(struct jobs *j, struct wire *w, struct shared *parent, size_t taken)
{
    struct shared *s = NULL;
    for (size_t count = get_count(w); count > 0; count--) {
        struct shared *child = get_shared(j, w, parent, taken);
        if (s != NULL)
            release(s);
        s = parent = child;
        taken = child->n.explored.count - 1;
    }
    return s;
}

/* ---- what units are told, and what they find ---- */

static void put_way(struct wire *w, const struct shared *s, size_t transition)
{
    const struct node *n = &s->n;
    const struct transition *t = n->explored.data[transition];
    size_t first = 0;
    while (n->explored.data[first]->agent != t->agent)
        first++;
    uint64_t done = 0;
    for (size_t i = 0; i < first; i++)
        done |= AGENT_BIT(n->explored.data[i]->agent);
    put_u64(w, n->enabled);
    put_u64(w, n->backtrack | n->done);
    put_u64(w, done);
    put_u64(w, n->asleep);
    put_u64(w, n->sleep.count);
    for (size_t i = 0; i < n->sleep.count; i++)
        put_transition(w, n->sleep.data[i]);
    put_u64(w, first);
    for (size_t i = 0; i < first; i++)
        put_transition(w, n->explored.data[i]);
    put_u64(w, t->agent);
    put_answers(w, &t->answers);
}

/* The nodes from the root to s. */
static size_t way_to(struct shared *s, struct shared ***out)
{
    size_t depth = 0;
    for (const struct shared *p = s; p != NULL; p = p->parent)
        depth++;
    *out = calloc(depth + 1, sizeof **out);
    RD_ASSERT(*out != NULL);
    for (size_t i = depth; i > 0; i--, s = s->parent)
        (*out)[i - 1] = s;
    return depth;
}

static void put_unit(struct wire *w, const struct unit *u)
{
    struct shared **way;
    size_t depth = way_to(u->node, &way);
    put_u64(w, u->task);
    put_u64(w, depth);
    for (size_t i = 0; i + 1 < depth; i++)
        put_way(w, way[i], way[i + 1]->taken);
    if (u->task == TASK_EXPLORE) {
        put_way(w, u->node, u->transition);
    } else {
        put_u64(w, u->agent);
        put_u64(w, u->further);
        put_answers(w, &u->answers);
    }
    free(way);
}

static void get_findings(struct jobs *j, struct wire *w, struct shared *node)
{
    struct shared **way;
    size_t depth = way_to(node, &way), count = get_count(w);
    RD_ASSERT(count <= depth);
    for (size_t i = 0; i < count; i++) {
        struct node found = {.agent = NO_AGENT};
        uint64_t backtrack = get_u64(w);
        get_assumptions(w, &found);
        node_add(&way[i]->n, backtrack, found.assumptions.data, found.assumptions.count);
        vec_free(&found.assumptions);
        schedule(j, way[i]);
    }
    free(way);
}

/* ---- workers ---- */

static void unit_over(struct unit *u)
{
    free(u->answers.data);
    release(u->node);
    *u = (struct unit){.task = 0};
}

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
    get_findings(j, w, u->node);
    struct shared *last = get_chain(j, w, u->node, u->transition);
    get_outcome(w, j->x);
    release(u->node);
    u->node = last; /* with the chain's reference */
    u->transition = last->n.explored.count - 1;
    /* Transitions that a probe adds come behind it. */
    u->lives = 0;
}

static void take_probed(struct jobs *j, struct unit *u, struct wire *w)
{
    struct shared *s = u->node;
    get_findings(j, w, s);
    size_t from = s->n.explored.count;
    for (size_t count = get_count(w); count > 0; count--)
        vec_push(&s->n.explored, get_transition(w));
    get_outcome(w, j->x);
    RD_ASSERT(!w->broken);
    for (size_t i = from; i < s->n.explored.count; i++)
        if (!node_transition_sleeps(&s->n, u->agent, &s->n.explored.data[i]->answers))
            enqueue(j, (struct unit){.task = TASK_EXPLORE, .node = s, .transition = i});
    probed(j, s, u->agent);
}

static void take_grown(struct jobs *j, struct wire *w)
{
    get_outcome(w, j->x);
    size_t count = (size_t)get_u64(w);
    RD_ASSERT(count <= (w->bytes.count - w->at) / sizeof(uint64_t));
    uint64_t *granules = malloc(count * sizeof *granules + 1);
    RD_ASSERT(granules != NULL);
    get_bytes(w, granules, count * sizeof *granules);
    j->x->subject->share(j->x->subject->context, granules, count);
    free(granules);
    j->x->grown = true;
}

static void hear(struct jobs *j, struct job *job)
{
    struct wire w = {.at = 0};
    if (!wire_receive(job->fd, &w)) {
        bury(job);
        j->deaths++;
        if (job->busy && ++job->unit.lives >= UNIT_LIVES)
            j->failed = true;
        else if (job->busy)
            vec_push(&j->queue, job->unit);
        job->busy = false;
        wire_free(&w);
        if (!j->failed)
            start(j, job);
        return;
    }
    switch (get_u64(&w)) {
    case SAY_SPLIT:
        split(j, job, &w);
        break;
    case SAY_DONE:
        get_findings(j, &w, job->unit.node);
        get_outcome(&w, j->x);
        job->busy = false;
        unit_over(&job->unit);
        break;
    case SAY_PROBED:
        take_probed(j, &job->unit, &w);
        job->busy = false;
        unit_over(&job->unit);
        break;
    case SAY_GREW:
        take_grown(j, &w);
        job->busy = false;
        unit_over(&job->unit);
        break;
    default:
        RD_ASSERT(!"a worker said something unknown");
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
        if (j->queue_at == j->queue.count) {
            idle++;
            continue;
        }
        struct wire w = {.at = 0};
        job->unit = j->queue.data[j->queue_at++];
        job->busy = true;
        put_unit(&w, &job->unit);
        wire_send(job->fd, &w); /* a dead one is found when it is listened to */
        wire_free(&w);
    }
    if (j->queue_at == j->queue.count)
        j->queue_at = j->queue.count = 0;
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

/* The tree so far, without the top node, which has nothing behind it yet. */
static void publish_all(struct jobs *j, struct dpor *d)
{
    struct wire w = {.at = 0};
    size_t count = d->nodes.count - 1;
    put_u64(&w, count);
    for (size_t i = 0; i < count; i++)
        put_published(&w, &d->nodes.data[i], &d->history.events.data[i].footprint);
    struct shared *last = get_chain(j, &w, NULL, 0);
    wire_free(&w);
    enqueue(j, (struct unit){.task = TASK_EXPLORE,
                             .node = last,
                             .transition = last->n.explored.count - 1});
    release(last);
}

static void end_all(struct jobs *j)
{
    atomic_store_explicit(&j->board->stop, 1, memory_order_relaxed);
    for (unsigned i = 0; i < j->count; i++)
        if (j->job[i].pid != 0)
            bury(&j->job[i]);
    for (unsigned i = 0; i < j->count; i++)
        if (j->job[i].busy)
            unit_over(&j->job[i].unit);
    for (size_t i = j->queue_at; i < j->queue.count; i++)
        unit_over(&j->queue.data[i]);
    vec_free(&j->queue);
}

/* What all have counted so far, for whoever watches. */
static void show(struct jobs *j)
{
    struct explore_result *r = j->x->result, now = *r;
    now.executions = atomic_load_explicit(&j->board->executions, memory_order_relaxed) - r->voided;
    j->x->result = &now;
    explorer_tick(j->x);
    j->x->result = r;
}

void jobs_run(struct dpor *d)
{
    struct jobs *j = calloc(1, sizeof *j);
    RD_ASSERT(j != NULL);
    struct explorer *x = d->x;
    j->x = x;
    j->board = mmap(NULL, sizeof *j->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    RD_ASSERT(j->board != MAP_FAILED);
    atomic_store(&j->board->executions, x->result->voided + x->result->executions);
    j->count = x->options->jobs < MAX_JOBS ? x->options->jobs : MAX_JOBS;
    publish_all(j, d);
    dpor_clear(d);
    x->subject->restore(x->subject->context, x->root);
    for (unsigned i = 0; i < j->count && !j->failed; i++)
        start(j, &j->job[i]);
    while (!x->over && !x->grown && !j->failed) {
        hand_out(j);
        if (busy(j) == 0)
            break;
        listen_to_all(j);
        show(j);
    }
    if (j->failed && !x->over) {
        x->result->stop = STOP_INTERNAL;
        explorer_stop(x, "a job died");
    }
    end_all(j);
    munmap(j->board, sizeof *j->board);
    free(j);
}
