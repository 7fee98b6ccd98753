/* Shared nodes and units of work (explore/units.h). */
#include "explore/units.h"

#include <stdlib.h>
#include <string.h>

struct shared *shared_make(struct shared *parent, size_t taken, struct node *n)
{
    struct shared *s = calloc(1, sizeof *s);
    RD_ASSERT(s != NULL);
    s->n = *n;
    s->parent = parent;
    s->taken = taken;
    s->refs = 1;
    if (parent != NULL)
        parent->refs++;
    return s;
}

void shared_release(struct shared *s)
{
    while (s != NULL && --s->refs == 0) {
        struct shared *parent = s->parent;
        node_close(&s->n);
        free(s);
        s = parent;
    }
}

size_t shared_way(struct shared *s, struct shared ***out)
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

void units_add(struct units *q, struct unit u)
{
    u.node->refs++;
    vec_push(&q->queue, u);
}

bool units_take(struct units *q, struct unit *out)
{
    if (q->at == q->queue.count)
        return false;
    *out = q->queue.data[q->at++];
    if (q->at == q->queue.count)
        q->at = q->queue.count = 0;
    return true;
}

size_t units_waiting(const struct units *q)
{
    return q->queue.count - q->at;
}

void unit_over(struct unit *u)
{
    free(u->answers.data);
    free(u->saved);
    shared_release(u->node);
    *u = (struct unit){.task = 0};
}

void units_free(struct units *q)
{
    for (size_t i = q->at; i < q->queue.count; i++)
        unit_over(&q->queue.data[i]);
    vec_free(&q->queue);
    q->at = 0;
}

void units_schedule(struct units *q, struct shared *s)
{
    uint64_t untried = s->n.backtrack & ~node_covered(&s->n);
    if (s->probing != 0 || untried == 0)
        return;
    untried = node_next(&s->n, untried);
    s->probing = untried & -untried;
    units_add(q, (struct unit){.task = TASK_PROBE,
                               .node = s,
                               .agent = (unsigned)__builtin_ctzll(untried)});
}

void units_probed(struct units *q, struct shared *s, unsigned agent)
{
    s->probing = 0;
    node_agent_done(&s->n, agent);
    units_schedule(q, s);
}

/* ---- written down, and read again ---- */

static void put_list(struct wire *w, struct transition *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_transition(w, list[i]);
}

/* The node as somebody shall see it: with the first `explored` of its transitions, and then `current` unless it is NULL. */
static void put_view(struct wire *w, const struct node *n, uint64_t plain, uint64_t done, size_t explored,
                     const struct transition *current)
{
    put_u64(w, n->enabled);
    put_u64(w, n->backtrack);
    put_u64(w, plain);
    put_u64(w, done);
    put_u64(w, n->asleep);
    put_u64(w, n->doubted);
    put_u64(w, n->sleep.count);
    put_list(w, n->sleep.data, n->sleep.count);
    put_u64(w, explored + (current != NULL));
    put_list(w, n->explored.data, explored);
    if (current != NULL)
        put_transition(w, current);
}

void put_node(struct wire *w, const struct node *n)
{
    put_view(w, n, n->plain, n->done, n->explored.count, NULL);
    put_assumptions(w, &n->assumptions);
    put_wakes(w, &n->wakes);
}

void get_node(struct wire *w, struct node *n)
{
    *n = (struct node){.agent = NO_AGENT, .owns_sleep = true};
    n->enabled = get_u64(w);
    n->backtrack = get_u64(w) & n->enabled;
    n->plain = get_u64(w) & n->enabled;
    n->done = get_u64(w);
    n->asleep = get_u64(w);
    n->doubted = get_u64(w);
    for (size_t count = get_count(w); count > 0 && !w->broken; count--)
        vec_push(&n->sleep, get_transition(w));
    for (size_t count = get_count(w); count > 0 && !w->broken; count--)
        vec_push(&n->explored, get_transition(w));
    get_assumptions(w, &n->assumptions);
    get_wakes(w, &n->wakes);
}

void put_published(struct wire *w, const struct node *n, const struct footprint *current)
{
    put_view(w, n, n->plain, n->done, n->explored.count, &(struct transition){n->agent, 0, false, n->answers, *current});
    put_assumptions(w, &n->assumptions);
    put_wakes(w, &n->wakes);
}

/* The last of its transitions leads on. */
static struct shared *get_published(struct units *q, struct wire *w, struct shared *parent, size_t taken)
{
    struct node n;
    get_node(w, &n);
    if (w->broken || n.explored.count == 0) {
        w->broken = true;
        node_close(&n);
        return NULL;
    }
    struct shared *s = shared_make(parent, taken, &n);
    const struct transition *current = s->n.explored.data[s->n.explored.count - 1];
    if (answers_more(&current->answers)) {
        struct unit u = {.task = TASK_PROBE, .node = s, .agent = current->agent, .further = true};
        answers_copy(&u.answers, &current->answers);
        s->probing = AGENT_BIT(current->agent);
        units_add(q, u);
    } else {
        units_probed(q, s, current->agent);
    }
    return s;
}

struct shared *units_get_chain(struct units *q, struct wire *w, struct shared *parent, size_t taken)
{
    struct shared *s = NULL;
    for (size_t count = get_count(w); count > 0; count--) {
        struct shared *child = get_published(q, w, parent, taken);
        if (s != NULL)
            shared_release(s);
        if (child == NULL)
            return NULL;
        s = parent = child;
        taken = child->n.explored.count - 1;
    }
    return s;
}

bool unit_unsave(struct units *q, struct unit *u)
{
    if (u->saved_size == 0)
        return true;
    struct wire w = {.at = 0};
    put_bytes(&w, u->saved, u->saved_size);
    struct shared *last = units_get_chain(q, &w, u->node, u->transition);
    bool ok = last != NULL && !w.broken;
    wire_free(&w);
    if (last != NULL) {
        shared_release(u->node);
        u->node = last; /* with the chain's reference */
        u->transition = last->n.explored.count - 1;
    }
    free(u->saved);
    u->saved = NULL;
    u->saved_size = 0;
    return ok;
}

/* ---- what a unit is told ---- */

static void put_way(struct wire *w, const struct shared *s, size_t transition, bool last)
{
    const struct node *n = &s->n;
    const struct transition *t = n->explored.data[transition];
    struct wake *wake = last ? wakes_find(&n->wakes, t->agent, &t->answers) : NULL;
    size_t first = 0;
    while (n->explored.data[first]->agent != t->agent)
        first++;
    /* The orders of other agents are not sent along; that those are explored is. */
    put_view(w, n, n->backtrack | n->done, node_done_before(n, transition), first, NULL);
    put_u64(w, 0); /* no assumptions */
    put_wakes(w, &(struct wakes){&wake, wake != NULL, 1});
    put_u64(w, t->agent);
    put_answers(w, &t->answers);
}

void put_unit(struct wire *w, const struct unit *u)
{
    struct shared **way;
    size_t depth = shared_way(u->node, &way);
    put_u64(w, u->task);
    put_u64(w, depth);
    for (size_t i = 0; i + 1 < depth; i++)
        put_way(w, way[i], way[i + 1]->taken, false);
    if (u->task == TASK_EXPLORE) {
        put_way(w, u->node, u->transition, true);
    } else {
        put_u64(w, u->agent);
        put_u64(w, u->further);
        put_answers(w, &u->answers);
    }
    free(way);
}

double unit_share(const struct unit *u)
{
    const struct node *here = &u->node->n;
    double share = 1;
    for (const struct shared *s = u->node; s != NULL; s = s->parent) {
        int known = __builtin_popcountll((s->n.backtrack | s->n.done) & ~s->n.asleep);
        share /= known > 1 ? known : 1;
    }
    /* Those that are probed later are waiting behind this one. */
    if (u->task == TASK_PROBE)
        share *= __builtin_popcountll(here->backtrack & ~node_covered(here));
    return share;
}
