/*
 * Growable arrays and buffers. A vector is a struct of the caller's with `data`, `count` and
 * `capacity`; the macros give it push and reserve with the element's own type.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>

#define VEC(type)        \
    struct {             \
        type *data;      \
        size_t count;    \
        size_t capacity; \
    }

/* Grows *data so that `need` elements fit; aborts when memory is exhausted. */
void vec_grow(void **data, size_t *capacity, size_t need, size_t element);

#define vec_reserve(v, n) \
    ((n) > (v)->capacity ? vec_grow((void **)&(v)->data, &(v)->capacity, (n), sizeof *(v)->data) : (void)0)
#define vec_push(v, ...) (vec_reserve((v), (v)->count + 1), (v)->data[(v)->count++] = (__VA_ARGS__))
#define vec_clear(v) ((v)->count = 0)
#define vec_free(v) (free((v)->data), (v)->data = NULL, (v)->count = (v)->capacity = 0)

#endif
