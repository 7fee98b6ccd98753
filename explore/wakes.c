/* Wakeup trees and the orders that they are made of (explore/wakes.h). An order may be as long as an execution, so nothing
 * here is recursive. */
#include "explore/wakes.h"

#include <stdlib.h>
#include <string.h>

void assume(struct assumptions *list, unsigned agent, uint64_t initials, const struct sequence *v)
{
    struct assumption *a = NULL;
    for (size_t i = 0; i < list->count && a == NULL; i++)
        if (list->data[i].agent == agent && list->data[i].initials == initials)
            a = &list->data[i];
    if (a == NULL) {
        vec_push(list, (struct assumption){agent, initials, {NULL, 0, 0, 0}});
        a = &list->data[list->count - 1];
    }
    for (size_t i = 0; i < v->count; i++)
        if (v->data[i].agent != agent && !footprint_contains(&a->rest, v->data[i].footprint))
            footprint_add(&a->rest, v->data[i].footprint);
}

void assumptions_clear(struct assumptions *list)
{
    for (size_t i = 0; i < list->count; i++)
        footprint_free(&list->data[i].rest);
    vec_free(list);
}

void wakes_free(struct wakes *w)
{
    struct wakes left = *w;
    *w = (struct wakes){NULL, 0, 0};
    while (left.count > 0) {
        struct wake *one = left.data[--left.count];
        for (size_t i = 0; i < one->behind.count; i++)
            vec_push(&left, one->behind.data[i]);
        vec_free(&one->behind);
        vec_free(&one->answers);
        assumptions_clear(&one->assumptions);
        footprint_free(&one->footprint);
        free(one);
    }
    vec_free(&left);
}

struct wake *wakes_find(const struct wakes *w, unsigned agent, const struct answers *answers)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->data[i]->agent == agent && answers_equal(&w->data[i]->answers, answers))
            return w->data[i];
    return NULL;
}

void wakes_append(struct wakes *w, const struct sequence *v)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct turn *t = &v->data[i];
        struct wake *one = calloc(1, sizeof *one);
        RD_ASSERT(one != NULL);
        one->agent = t->agent;
        one->guess = i == v->guess;
        one->needed = t->needed;
        answers_copy(&one->answers, t->answers);
        one->footprint = footprint_copy(t->footprint->data, t->footprint->count);
        vec_push(w, one);
        w = &one->behind;
    }
}

void wake_sequence(const struct wake *branch, struct sequence *out)
{
    out->count = 0;
    out->guess = NO_GUESS;
    while (branch != NULL) {
        if (branch->guess)
            out->guess = out->count;
        vec_push(out, (struct turn){branch->agent, branch->needed, &branch->answers, &branch->footprint});
        branch = branch->behind.count > 0 ? branch->behind.data[0] : NULL;
    }
}

size_t sequence_first(const struct sequence *v, unsigned agent)
{
    size_t k = 0;
    while (k < v->count && v->data[k].agent != agent)
        k++;
    return k;
}

bool sequence_commutes(const struct sequence *v, unsigned agent, const struct footprint *f)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->data[i].agent != agent && footprint_conflict(v->data[i].footprint, f))
            return false;
    return true;
}

bool sequence_begins(const struct sequence *v, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (v->data[i].agent == v->data[k].agent || footprint_conflict(v->data[i].footprint, v->data[k].footprint))
            return false;
    return true;
}

uint64_t sequence_initials(const struct sequence *v)
{
    uint64_t initials = 0, seen = 0;
    for (size_t k = 0; k < v->count && k != v->guess; k++) {
        uint64_t bit = AGENT_BIT(v->data[k].agent);
        if (!(seen & bit) && sequence_begins(v, k))
            initials |= bit;
        seen |= bit;
    }
    return initials;
}

void sequence_remove(struct sequence *v, size_t k)
{
    if (k == v->guess)
        v->guess = NO_GUESS;
    else if (v->guess != NO_GUESS)
        v->guess--;
    for (; k + 1 < v->count; k++)
        v->data[k] = v->data[k + 1];
    v->count--;
}

void sequence_reduce(struct sequence *v)
{
    size_t kept = 0;
    for (size_t k = 0; k < v->count; k++)
        if (v->data[k].needed || k == v->guess)
            v->data[kept++] = v->data[k];
    v->count = kept;
    v->guess = kept - 1;
}
