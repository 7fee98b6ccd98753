/*
 * Messages between the jobs of one exploration. Every number is eight bytes; what is read is checked for its bounds,
 * since a checkpoint is a file that anybody may have changed.
 */
#include "explore/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_LIMIT ((uint64_t)1 << 32)

void wire_free(struct wire *w)
{
    vec_free(&w->bytes);
    w->at = 0;
}

void put_bytes(struct wire *w, const void *data, size_t size)
{
    vec_reserve(&w->bytes, w->bytes.count + size);
    if (size > 0)
        memcpy(w->bytes.data + w->bytes.count, data, size);
    w->bytes.count += size;
}

bool get_bytes(struct wire *w, void *out, size_t size)
{
    if (w->broken || w->bytes.count - w->at < size) {
        w->broken = true;
        memset(out, 0, size);
        return false;
    }
    if (size > 0)
        memcpy(out, w->bytes.data + w->at, size);
    w->at += size;
    return true;
}

void put_u64(struct wire *w, uint64_t value)
{
    put_bytes(w, &value, sizeof value);
}

uint64_t get_u64(struct wire *w)
{
    uint64_t value = 0;
    get_bytes(w, &value, sizeof value);
    return value;
}

size_t get_count(struct wire *w)
{
    uint64_t n = get_u64(w);
    if (n > w->bytes.count - w->at) {
        w->broken = true;
        return 0;
    }
    return (size_t)n;
}

void put_answers(struct wire *w, const struct answers *a)
{
    put_u64(w, a->count);
    for (size_t i = 0; i < a->count; i++)
        put_u64(w, a->data[i].value | (uint64_t)a->data[i].limit << 16);
}

void get_answers(struct wire *w, struct answers *a)
{
    size_t n = get_count(w);
    a->count = 0;
    for (size_t i = 0; i < n && !w->broken; i++) {
        uint64_t both = get_u64(w);
        if ((uint16_t)both >= (uint16_t)(both >> 16)) {
            w->broken = true; /* every answer is one of those that were asked for */
            return;
        }
        vec_push(a, (struct answer){(uint16_t)both, (uint16_t)(both >> 16)});
    }
}

void put_footprint(struct wire *w, const struct footprint *f)
{
    put_u64(w, f->count);
    for (unsigned i = 0; i < f->count; i++) {
        put_u64(w, f->data[i].key);
        put_u64(w, f->data[i].access);
    }
}

struct footprint get_footprint(struct wire *w)
{
    struct footprint f = {NULL, 0, 0, 0};
    size_t n = get_count(w);
    if (n > (w->bytes.count - w->at) / (2 * sizeof(uint64_t)))
        w->broken = true;
    if (n == 0 || w->broken)
        return f;
    f.data = calloc(n, sizeof *f.data);
    RD_ASSERT(f.data != NULL);
    for (; f.count < n && !w->broken; f.count++) {
        f.data[f.count].key = get_u64(w);
        uint64_t access = get_u64(w);
        f.data[f.count].access = (uint8_t)access;
        if (access == 0 || access > ACCESS_WRITE)
            w->broken = true;
        if (f.count > 0 && f.data[f.count].key <= f.data[f.count - 1].key)
            w->broken = true;
    }
    footprint_summarise(&f);
    return f;
}

void put_transition(struct wire *w, const struct transition *t)
{
    put_u64(w, t->agent);
    put_u64(w, t->variants);
    put_u64(w, t->ends);
    put_answers(w, &t->answers);
    put_footprint(w, &t->footprint);
}

struct transition *get_transition(struct wire *w)
{
    struct transition *t = calloc(1, sizeof *t);
    RD_ASSERT(t != NULL);
    uint64_t agent = get_u64(w);
    if (agent >= 64)
        w->broken = true;
    t->agent = (unsigned)agent & 63;
    t->variants = (unsigned)get_u64(w);
    t->ends = get_u64(w) != 0;
    get_answers(w, &t->answers);
    t->footprint = get_footprint(w);
    return t;
}

void put_assumptions(struct wire *w, const struct assumptions *list)
{
    put_u64(w, list->count);
    for (size_t i = 0; i < list->count; i++) {
        put_u64(w, list->data[i].agent);
        put_u64(w, list->data[i].initials);
        put_footprint(w, &list->data[i].rest);
    }
}

void get_assumptions(struct wire *w, struct assumptions *list)
{
    for (size_t count = get_count(w); count > 0 && !w->broken; count--) {
        unsigned agent = (unsigned)get_u64(w) & 63;
        uint64_t initials = get_u64(w);
        vec_push(list, (struct assumption){agent, initials, get_footprint(w)});
    }
}

/* Each wake behind the one it is under, with its depth: 1 for those of the list. */
void put_wakes(struct wire *w, const struct wakes *list)
{
    VEC(struct { const struct wake *wake; uint64_t depth; }) left = {NULL, 0, 0};
    uint64_t total = 0;
    size_t at = w->bytes.count;
    put_u64(w, 0);
    for (size_t i = list->count; i > 0; i--) {
        vec_reserve(&left, left.count + 1);
        left.data[left.count].wake = list->data[i - 1];
        left.data[left.count++].depth = 1;
    }
    for (; left.count > 0; total++) {
        const struct wake *one = left.data[--left.count].wake;
        uint64_t depth = left.data[left.count].depth;
        put_u64(w, depth);
        put_u64(w, one->agent);
        put_u64(w, one->guess | (uint64_t)one->needed << 1 | (uint64_t)one->partial << 2);
        put_answers(w, &one->answers);
        put_footprint(w, &one->footprint);
        put_assumptions(w, &one->assumptions);
        for (size_t i = one->behind.count; i > 0; i--) {
            vec_reserve(&left, left.count + 1);
            left.data[left.count].wake = one->behind.data[i - 1];
            left.data[left.count++].depth = depth + 1;
        }
    }
    memcpy(w->bytes.data + at, &total, sizeof total);
    vec_free(&left);
}

void get_wakes(struct wire *w, struct wakes *list)
{
    VEC(struct wakes *) under = {NULL, 0, 0}; /* by depth: where the next one belongs */
    vec_push(&under, list);
    for (size_t count = get_count(w); count > 0 && !w->broken; count--) {
        uint64_t depth = get_u64(w), agent = get_u64(w);
        if (depth == 0 || depth > under.count || agent >= 64) {
            w->broken = true;
            break;
        }
        struct wake *one = calloc(1, sizeof *one);
        RD_ASSERT(one != NULL);
        one->agent = (unsigned)agent;
        uint64_t flags = get_u64(w);
        one->guess = flags & 1;
        one->needed = flags >> 1 & 1;
        one->partial = flags >> 2 & 1;
        get_answers(w, &one->answers);
        one->footprint = get_footprint(w);
        get_assumptions(w, &one->assumptions);
        under.count = depth;
        vec_push(under.data[depth - 1], one);
        vec_push(&under, &one->behind);
    }
    vec_free(&under);
}

void put_schedule(struct wire *w, const struct schedule *s)
{
    put_u64(w, s->count);
    for (size_t i = 0; i < s->count; i++)
        put_u64(w, s->data[i].is_choice | (uint64_t)s->data[i].agent << 8 |
                       (uint64_t)s->data[i].value << 16);
}

void get_schedule(struct wire *w, struct schedule *s)
{
    for (size_t n = get_count(w); n > 0 && !w->broken; n--) {
        uint64_t d = get_u64(w);
        vec_push(s, (struct decision){d & 1, (uint8_t)(d >> 8), (uint16_t)(d >> 16)});
    }
}

void put_outcome(struct wire *w, struct explorer *x)
{
    struct explore_result *r = x->result;
    put_u64(w, r->executions);
    put_u64(w, r->blocked);
    put_u64(w, r->steps);
    put_u64(w, r->max_depth);
    put_u64(w, r->step_limit_hit);
    put_u64(w, r->stop);
    put_u64(w, x->cut);
    put_u64(w, x->over);
    put_bytes(w, x->reason, sizeof x->reason);
    put_u64(w, x->states.count);
    for (size_t i = 0; i < x->states.count; i++)
        put_bytes(w, &x->states.data[i], sizeof x->states.data[i]);
    put_u64(w, r->violation_count);
    for (size_t i = 0; i < r->violation_count; i++) {
        put_bytes(w, r->violations[i].key, sizeof r->violations[i].key);
        put_u64(w, r->violations[i].count);
        put_schedule(w, &r->violations[i].schedule);
    }
    explorer_forget(x);
}

void get_outcome(struct wire *w, struct explorer *x)
{
    struct explore_result *r = x->result;
    r->executions += get_u64(w);
    r->blocked += get_u64(w);
    r->steps += get_u64(w);
    uint64_t depth = get_u64(w);
    if (depth > r->max_depth)
        r->max_depth = depth;
    r->step_limit_hit |= get_u64(w) != 0;
    uint64_t stop = get_u64(w);
    if (stop != STOP_END && stop <= STOP_INTERNAL)
        r->stop = (enum machine_stop)stop;
    bool cut = get_u64(w) != 0, over = get_u64(w) != 0;
    char reason[sizeof x->reason];
    get_bytes(w, reason, sizeof reason);
    reason[sizeof reason - 1] = '\0';
    if (cut && x->reason[0] == '\0')
        memcpy(x->reason, reason, sizeof reason);
    x->cut |= cut;
    x->over |= over;
    for (size_t n = get_count(w); n > 0 && !w->broken; n--) {
        struct hash128 h;
        get_bytes(w, &h, sizeof h);
        vec_push(&x->states, h);
    }
    for (size_t n = get_count(w); n > 0 && !w->broken; n--) {
        char key[sizeof r->violations->key];
        struct schedule s = {NULL, 0, 0};
        get_bytes(w, key, sizeof key);
        key[sizeof key - 1] = '\0';
        uint64_t count = get_u64(w);
        get_schedule(w, &s);
        if (!w->broken)
            explorer_violation(x, key, &s, count);
        free(s.data);
    }
}

static bool all(int fd, bool out, void *data, size_t size)
{
    uint8_t *p = data;
    while (size > 0) {
        ssize_t n = out ? send(fd, p, size, MSG_NOSIGNAL) : read(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

bool wire_send(int fd, const struct wire *w)
{
    uint64_t size = w->bytes.count;
    return all(fd, true, &size, sizeof size) && all(fd, true, w->bytes.data, w->bytes.count);
}

bool wire_receive(int fd, struct wire *w)
{
    uint64_t size;
    w->bytes.count = w->at = 0;
    w->broken = false;
    if (!all(fd, false, &size, sizeof size) || size > MESSAGE_LIMIT)
        return false;
    vec_reserve(&w->bytes, size);
    w->bytes.count = size;
    return all(fd, false, w->bytes.data, size);
}
