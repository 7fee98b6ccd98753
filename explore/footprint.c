/* Footprints and answers: the two small values that make up a transition besides its agent. Two
 * transitions commute unless their footprints conflict. */
#include "explore/internal.h"

#include <stdlib.h>
#include <string.h>

void footprint_summarise(struct footprint *f)
{
    f->touched = f->written = 0;
    for (unsigned i = 0; i < f->count; i++) {
        uint64_t bit = 1ull << (f->data[i].key * 0x9E3779B97F4A7C15ull >> 58);
        f->touched |= bit;
        if (f->data[i].access != ACCESS_READ)
            f->written |= bit;
    }
}

struct footprint footprint_copy(const struct footprint_entry *entries, unsigned count)
{
    struct footprint f = {NULL, 0, 0, 0};
    if (count == 0)
        return f;
    f.data = malloc(count * sizeof *f.data);
    RD_ASSERT(f.data != NULL);
    for (unsigned i = 0; i < count; i++) {
        RD_ASSERT(i == 0 || entries[i - 1].key <= entries[i].key);
        if (f.count > 0 && f.data[f.count - 1].key == entries[i].key)
            f.data[f.count - 1].access |= entries[i].access;
        else
            f.data[f.count++] = entries[i];
    }
    footprint_summarise(&f);
    return f;
}

void footprint_free(struct footprint *f)
{
    free(f->data);
    *f = (struct footprint){NULL, 0, 0, 0};
}

void footprint_add(struct footprint *f, const struct footprint *other)
{
    struct footprint sum = {malloc((f->count + other->count + 1) * sizeof *sum.data), 0, 0, 0};
    RD_ASSERT(sum.data != NULL);
    unsigned i = 0, j = 0;
    while (i < f->count || j < other->count) {
        if (j == other->count || (i < f->count && f->data[i].key < other->data[j].key)) {
            sum.data[sum.count++] = f->data[i++];
        } else if (i == f->count || f->data[i].key > other->data[j].key) {
            sum.data[sum.count++] = other->data[j++];
        } else {
            sum.data[sum.count] = f->data[i++];
            sum.data[sum.count++].access |= other->data[j++].access;
        }
    }
    sum.touched = f->touched | other->touched;
    sum.written = f->written | other->written;
    free(f->data);
    *f = sum;
}

bool footprint_contains(const struct footprint *f, const struct footprint *other)
{
    unsigned i = 0;
    if ((other->touched & ~f->touched) | (other->written & ~f->written))
        return false;
    for (unsigned j = 0; j < other->count; j++) {
        while (i < f->count && f->data[i].key < other->data[j].key)
            i++;
        if (i == f->count || f->data[i].key != other->data[j].key ||
            (other->data[j].access & ~f->data[i].access) != 0)
            return false;
    }
    return true;
}

bool footprint_conflict(const struct footprint *a, const struct footprint *b)
{
    unsigned i = 0, j = 0;
    if (((a->written & b->touched) | (a->touched & b->written)) == 0)
        return false;
    while (i < a->count && j < b->count) {
        if (a->data[i].key < b->data[j].key)
            i++;
        else if (a->data[i].key > b->data[j].key)
            j++;
        else if (access_conflict(a->data[i].access, b->data[j].access))
            return true;
        else
            i++, j++;
    }
    return false;
}

bool answers_next(struct answers *a)
{
    while (a->count > 0) {
        struct answer *last = &a->data[a->count - 1];
        if (last->value + 1u < last->limit) {
            last->value++;
            return true;
        }
        a->count--;
    }
    return false;
}

bool answers_more(const struct answers *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->data[i].value + 1u < a->data[i].limit)
            return true;
    return false;
}

void answers_copy(struct answers *to, const struct answers *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        vec_push(to, from->data[i]);
}

bool answers_equal(const struct answers *a, const struct answers *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->data[i].value != b->data[i].value)
            return false;
    return true;
}
