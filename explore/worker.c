/*
 * A worker of a shared search: takes a unit, goes to its state from the root, explores what is below and hands in what it
 * found. While others have nothing to do, it gives the upper part of its subtree away (explore/jobs.h).
 */
#include "explore/worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Steps of a subtree that are worth a message. */
#define SPLIT_STEPS 2000u

struct worker {
    struct explorer *x;
    int fd;
    struct dpor d;
    VEC(uint64_t) given; /* by node below d.base: what was to be tried there when it was given */
    unsigned saved;      /* board->save when it last said how far it is */
};

/* A node on the way; false when the message is broken. */
static bool get_way(struct wire *w, struct node *n)
{
    get_node(w, n);
    n->agent = (unsigned)get_u64(w) & 63;
    get_answers(w, &n->answers);
    return !w->broken;
}

/* What is to be tried at nodes that are not this worker's. */
static void put_findings(struct wire *w, struct worker *k)
{
    put_u64(w, k->given.count);
    for (size_t i = 0; i < k->given.count; i++) {
        struct node *n = &k->d.nodes.data[i];
        put_u64(w, n->plain & ~k->given.data[i]);
        put_assumptions(w, &n->assumptions);
        put_wakes(w, &n->found);
        k->given.data[i] = n->plain;
        node_forget_found(n);
    }
}

static void say(struct worker *k, struct wire *w)
{
    if (!wire_send(k->fd, w))
        _exit(0); /* nobody is interested any more */
    wire_free(w);
}

/* The uppermost own node where another one could begin, or the top one, which has just been opened. */
static size_t where_to_split(const struct dpor *d)
{
    size_t at = d->base;
    for (; at + 1 < d->nodes.count; at++) {
        const struct node *n = &d->nodes.data[at];
        if ((n->backtrack & ~node_covered(n) & ~AGENT_BIT(n->agent)) || answers_more(&n->answers))
            break;
    }
    return at;
}

/* The top node has just been opened. Gives the nodes below `end` away, and says what is left below them: what
 * has been found until now is not found again if this process dies. */
static void hand_in(struct worker *k, size_t end)
{
    struct dpor *d = &k->d;
    size_t count = d->nodes.count - 1;
    struct wire w = {.at = 0}, rest = {.at = 0};
    k->saved = atomic_load_explicit(&k->x->board->save, memory_order_relaxed);
    put_u64(&w, SAY_SPLIT);
    put_u64(&w, k->saved);
    put_findings(&w, k);
    put_u64(&w, end - d->base);
    for (size_t i = d->base; i < end; i++) {
        struct node *n = &d->nodes.data[i];
        put_published(&w, n, &d->history.events.data[i].footprint);
        node_forget_found(n);
        vec_push(&k->given, n->plain);
    }
    d->base = end;
    if (count > end) {
        put_u64(&rest, count - end);
        for (size_t i = end; i < count; i++)
            put_published(&rest, &d->nodes.data[i], &d->history.events.data[i].footprint);
    }
    put_u64(&w, rest.bytes.count);
    put_bytes(&w, rest.bytes.data, rest.bytes.count);
    wire_free(&rest);
    put_outcome(&w, k->x);
    say(k, &w);
}

static void open_way(struct worker *k, struct wire *w)
{
    struct node n;
    const struct subject *s = k->x->subject;
    uint64_t enabled = s->enabled(s->context);
    if (!get_way(w, &n) || n.enabled != enabled || !(enabled & AGENT_BIT(n.agent)))
        _exit(4);
    vec_push(&k->given, n.plain);
    dpor_open(&k->d, &n);
}

static void say_grown(struct worker *k)
{
    struct wire w = {.at = 0};
    uint64_t *granules;
    const struct subject *s = k->x->subject;
    size_t count = s->found(s->context, &granules);
    put_u64(&w, SAY_GREW);
    put_outcome(&w, k->x);
    put_u64(&w, count);
    put_bytes(&w, granules, count * sizeof *granules);
    free(granules);
    say(k, &w);
}

/* At a node that has just been opened. */
static void look_at_board(struct worker *k, uint64_t worth)
{
    struct jobs_board *board = k->x->board;
    if (atomic_load_explicit(&board->stop, memory_order_relaxed)) {
        hand_in(k, k->d.base);
        _exit(0);
    }
    if (atomic_load_explicit(&board->hungry, memory_order_relaxed) &&
        k->x->result->steps >= worth /* since it last said something */) {
        size_t at = where_to_split(&k->d);
        if (at + 1 < k->d.nodes.count)
            hand_in(k, at + 1);
    } else if (atomic_load_explicit(&board->save, memory_order_relaxed) != k->saved) {
        hand_in(k, k->d.base);
    }
}

static void explore_subtree(struct worker *k)
{
    struct explorer *x = k->x;
    uint64_t worth = x->options->jobs_split != 0 ? x->options->jobs_split : SPLIT_STEPS;
    bool more = true, open = dpor_begin(&k->d);
    while (!x->over && !x->grown) {
        if (!open)
            more = dpor_advance(&k->d);
        if (!more)
            break;
        open = dpor_take_step(&k->d);
        if (open)
            look_at_board(k, worth);
    }
    if (x->grown) {
        say_grown(k);
        return;
    }
    struct wire w = {.at = 0};
    put_u64(&w, SAY_DONE);
    put_findings(&w, k);
    put_outcome(&w, x);
    say(k, &w);
}

/* The transitions of an agent from the present state, beginning with `answers`, or behind them when `further`. */
static void probe(struct worker *k, unsigned agent, struct answers *answers, bool further)
{
    struct explorer *x = k->x;
    const struct subject *s = x->subject;
    struct wire list = {.at = 0}, w = {.at = 0};
    size_t path = x->path.count;
    unsigned here = s->push(s->context);
    uint64_t count = 0;
    bool more = !further || answers_next(answers);
    while (more && !x->over) {
        struct step_result r = explorer_step(x, agent, answers, NULL);
        struct footprint f = footprint_copy(r.footprint, r.footprint_count);
        put_transition(&list, &(struct transition){agent, 0, r.stop != STOP_NONE, *answers, f});
        footprint_free(&f);
        count++;
        explorer_go_back(x, here, path);
        more = answers_next(answers);
    }
    s->drop(s->context, here);
    if (s->grew(s->context)) {
        wire_free(&list);
        say_grown(k);
        return;
    }
    put_u64(&w, SAY_PROBED);
    put_findings(&w, k);
    put_u64(&w, count);
    put_bytes(&w, list.bytes.data, list.bytes.count);
    put_outcome(&w, x);
    wire_free(&list);
    say(k, &w);
}

static void begin(struct worker *k)
{
    struct explorer *x = k->x;
    x->subject->restore(x->subject->context, x->root);
    x->path.count = 0;
    x->grown = false;
    dpor_init(&k->d, x);
    k->given.count = 0;
}

static void work(struct worker *k, struct wire *w)
{
    uint64_t task = get_u64(w);
    size_t nodes = get_count(w);
    begin(k);
    for (size_t i = 0; i + 1 < nodes; i++) {
        open_way(k, w);
        dpor_repeat(&k->d);
    }
    if (task == TASK_EXPLORE) {
        open_way(k, w);
        explore_subtree(k);
    } else {
        struct answers answers = {NULL, 0, 0};
        unsigned agent = (unsigned)get_u64(w) & 63;
        bool further = get_u64(w) != 0;
        get_answers(w, &answers);
        probe(k, agent, &answers, further);
        free(answers.data);
    }
    dpor_clear(&k->d);
}

_Noreturn void worker_main(struct explorer *x, int fd)
{
    struct worker k = {.x = x, .fd = fd};
    struct wire w = {.at = 0};
    explorer_forget(x);
    while (wire_receive(fd, &w))
        work(&k, &w);
    _exit(0);
}
