/*
 * Checkpoints (explore/checkpoint.h). Nodes come parents first and are named by their place. What is read is checked for its
 * bounds, and for what would lead astray whoever follows it; a file made with care can still claim that everything
 * has been explored, as its maker could have claimed without it.
 */
#include "explore/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static const char magic[] = "rundown checkpoint 2\n";
#define MAGIC_SIZE (sizeof magic - 1)
#define HEAD_SIZE (MAGIC_SIZE + 2 * sizeof(struct hash128))
#define FILE_LIMIT ((size_t)1 << 32)

/* What is explored and how: a checkpoint of anything else would lead to other states. */
static struct hash128 identity(const struct explorer *x)
{
    const struct explore_options *o = x->options;
    uint64_t how[] = {o->max_steps, o->all, o->want_states, o->shard, o->shards};
    return hash_chain(o->identity, how, sizeof how);
}

/* ---- what was counted and met ---- */

static void put_counted(struct wire *w, const struct explorer *x)
{
    const struct explore_result *r = x->result;
    const uint64_t counts[] = {r->executions, r->voided,    r->blocked,  r->steps,
                               r->restarts,   r->max_depth, r->to_first, r->step_limit_hit, x->cut};
    put_bytes(w, counts, sizeof counts);
    put_bytes(w, x->reason, sizeof x->reason);
    put_u64(w, r->violation_count);
    for (size_t i = 0; i < r->violation_count; i++) {
        put_bytes(w, r->violations[i].key, sizeof r->violations[i].key);
        put_u64(w, r->violations[i].count);
        put_u64(w, x->violation_round.data[i]);
        put_schedule(w, &r->violations[i].schedule);
    }
    put_u64(w, x->states.count);
    put_bytes(w, x->states.data, x->states.count * sizeof *x->states.data);
}

static void get_violations(struct wire *w, struct explorer *x)
{
    struct explore_result *r = x->result;
    for (size_t n = get_count(w); n > 0 && !w->broken; n--) {
        struct explore_violation v = {.count = 0};
        get_bytes(w, v.key, sizeof v.key);
        v.key[sizeof v.key - 1] = '\0';
        v.count = get_u64(w);
        uint64_t round = get_u64(w);
        get_schedule(w, &v.schedule);
        r->violations = realloc(r->violations, (r->violation_count + 1) * sizeof v);
        RD_ASSERT(r->violations != NULL);
        r->violations[r->violation_count++] = v;
        vec_push(&x->violation_round, round);
    }
}

static void get_counted(struct wire *w, struct explorer *x)
{
    struct explore_result *r = x->result;
    r->executions = get_u64(w);
    r->voided = get_u64(w);
    r->blocked = get_u64(w);
    r->steps = get_u64(w);
    r->restarts = get_u64(w);
    r->max_depth = get_u64(w);
    r->to_first = get_u64(w);
    r->step_limit_hit = get_u64(w) != 0;
    x->cut = get_u64(w) != 0;
    get_bytes(w, x->reason, sizeof x->reason);
    x->reason[sizeof x->reason - 1] = '\0';
    get_violations(w, x);
    for (size_t n = get_count(w); n > 0 && !w->broken; n--) {
        struct hash128 h;
        get_bytes(w, &h, sizeof h);
        vec_push(&x->states, h);
    }
    x->over = r->violation_count > 0 && !x->options->all;
}

static void put_granules(struct wire *w, const struct subject *s)
{
    uint64_t *granules = NULL;
    size_t count = s->shared != NULL ? s->shared(s->context, &granules) : 0;
    put_u64(w, count);
    put_bytes(w, granules, count * sizeof *granules);
    free(granules);
}

static void get_granules(struct wire *w, const struct subject *s)
{
    size_t count = (size_t)get_u64(w);
    if (count > (w->bytes.count - w->at) / sizeof(uint64_t)) {
        w->broken = true;
        return;
    }
    uint64_t *granules = malloc(count * sizeof *granules + 1);
    RD_ASSERT(granules != NULL);
    get_bytes(w, granules, count * sizeof *granules);
    if (s->share != NULL)
        s->share(s->context, granules, count);
    free(granules);
}

/* ---- the tree ---- */

typedef VEC(struct shared *) node_list;

static void number_nodes(node_list *list, struct shared *s)
{
    struct shared **way;
    size_t depth = shared_way(s, &way);
    for (size_t i = 0; i < depth; i++)
        if (way[i]->number == 0) {
            vec_push(list, way[i]);
            way[i]->number = list->count;
        }
    free(way);
}

static void put_left(struct wire *w, const struct unit *u)
{
    put_u64(w, u->task);
    put_u64(w, u->node->number);
    put_u64(w, u->transition);
    put_u64(w, u->agent);
    put_u64(w, u->further);
    put_answers(w, &u->answers);
    put_u64(w, u->saved_size);
    put_bytes(w, u->saved, u->saved_size);
}

static void put_tree(struct wire *w, const struct units *queue, struct unit *const *busy, size_t count)
{
    node_list list = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++)
        number_nodes(&list, busy[i]->node);
    for (size_t i = queue->at; i < queue->queue.count; i++)
        number_nodes(&list, queue->queue.data[i].node);
    put_u64(w, list.count);
    for (size_t i = 0; i < list.count; i++) {
        const struct shared *s = list.data[i];
        put_u64(w, s->parent != NULL ? s->parent->number : 0);
        put_u64(w, s->taken);
        put_node(w, &s->n);
    }
    put_u64(w, count + units_waiting(queue));
    for (size_t i = 0; i < count; i++)
        put_left(w, busy[i]);
    for (size_t i = queue->at; i < queue->queue.count; i++)
        put_left(w, &queue->queue.data[i]);
    for (size_t i = 0; i < list.count; i++)
        list.data[i]->number = 0;
    vec_free(&list);
}

static void get_nodes(struct wire *w, node_list *list)
{
    for (size_t n = get_count(w); n > 0 && !w->broken; n--) {
        size_t parent = (size_t)get_u64(w), taken = (size_t)get_u64(w);
        struct node node;
        get_node(w, &node);
        struct shared *above = parent > 0 && parent <= list->count ? list->data[parent - 1] : NULL;
        if ((parent != 0) != (above != NULL) || (above != NULL && taken >= above->n.explored.count))
            w->broken = true;
        if (w->broken)
            node_close(&node);
        else
            vec_push(list, shared_make(above, taken, &node));
    }
}

static bool can_be(const struct unit *u)
{
    const struct node *n = &u->node->n;
    if (u->task == TASK_EXPLORE)
        return u->transition < n->explored.count;
    return u->task == TASK_PROBE && u->agent < 64 && (n->enabled & AGENT_BIT(u->agent)) &&
           u->node->probing == 0;
}

static void get_left(struct wire *w, const node_list *list, struct units *queue)
{
    struct unit u = {.task = get_u64(w)};
    size_t number = (size_t)get_u64(w);
    u.transition = (size_t)get_u64(w);
    uint64_t agent = get_u64(w);
    u.agent = (unsigned)(agent < 64 ? agent : 64);
    u.further = get_u64(w) != 0;
    get_answers(w, &u.answers);
    u.saved_size = get_count(w);
    u.saved = malloc(u.saved_size + 1);
    RD_ASSERT(u.saved != NULL);
    get_bytes(w, u.saved, u.saved_size);
    u.node = number > 0 && number <= list->count ? list->data[number - 1] : NULL;
    if (w->broken || u.node == NULL || !can_be(&u) || (u.task == TASK_PROBE && u.saved_size > 0)) {
        w->broken = true;
        free(u.saved);
        free(u.answers.data);
        return;
    }
    if (u.task == TASK_PROBE)
        u.node->probing = AGENT_BIT(u.agent);
    u.node->refs++; /* a unit that is being done, as far as unit_unsave knows */
    if (!unit_unsave(queue, &u))
        w->broken = true;
    units_add(queue, u);
    u.node->refs--;
}

bool checkpoint_parse(struct wire *w, struct explorer *x, struct units *queue)
{
    node_list list = {NULL, 0, 0};
    get_counted(w, x);
    get_granules(w, x->subject);
    get_nodes(w, &list);
    for (size_t n = get_count(w); n > 0 && !w->broken; n--)
        get_left(w, &list, queue);
    for (size_t i = list.count; i > 0; i--)
        shared_release(list.data[i - 1]);
    vec_free(&list);
    return !w->broken && w->at == w->bytes.count;
}

/* ---- the file ---- */

bool checkpoint_write(const char *path, struct explorer *x, const struct units *queue, struct unit *const *busy,
                      size_t count, struct error *e)
{
    struct wire head = {.at = 0}, w = {.at = 0};
    put_counted(&w, x);
    put_granules(&w, x->subject);
    put_tree(&w, queue, busy, count);
    struct hash128 what = identity(x), rest = hash_bytes(w.bytes.data, w.bytes.count);
    put_bytes(&head, magic, MAGIC_SIZE);
    put_bytes(&head, &what, sizeof what);
    put_bytes(&head, &rest, sizeof rest);
    put_bytes(&head, w.bytes.data, w.bytes.count);
    bool ok = file_write(path, head.bytes.data, head.bytes.count, e);
    wire_free(&w);
    wire_free(&head);
    return ok;
}

static bool check_head(const char *path, const struct file_data *f, const struct explorer *x, struct error *e)
{
    struct hash128 what, rest, mine = identity(x);
    if (f->size < HEAD_SIZE || memcmp(f->data, magic, MAGIC_SIZE) != 0)
        return error_set(e, ERROR_INPUT, "%s: not a checkpoint", path);
    memcpy(&what, f->data + MAGIC_SIZE, sizeof what);
    memcpy(&rest, f->data + MAGIC_SIZE + sizeof what, sizeof rest);
    if (!hash_equal(rest, hash_bytes(f->data + HEAD_SIZE, f->size - HEAD_SIZE)))
        return error_set(e, ERROR_INPUT, "%s: the checkpoint is damaged", path);
    if (!hash_equal(what, mine))
        return error_set(e, ERROR_INPUT,
                         "%s: a checkpoint of another check: a driver, the scenario, an option or rundown has changed",
                         path);
    return true;
}

bool checkpoint_read(const char *path, struct explorer *x, struct units *queue, struct error *e)
{
    struct file_data f;
    struct wire w = {.at = 0};
    if (!file_read(path, FILE_LIMIT, &f, e))
        return false;
    bool ok = check_head(path, &f, x, e);
    if (ok) {
        put_bytes(&w, f.data + HEAD_SIZE, f.size - HEAD_SIZE);
        ok = checkpoint_parse(&w, x, queue) ||
             error_set(e, ERROR_INPUT, "%s: the checkpoint is damaged", path);
    }
    wire_free(&w);
    file_free(&f);
    return ok;
}
