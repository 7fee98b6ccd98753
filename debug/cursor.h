/*
 * Reading through bytes that nobody vouches for: a place that stays inside its range and remembers when something did not fit.
 * Everything read behind that point is 0.
 */
#ifndef DEBUG_CURSOR_H
#define DEBUG_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static inline struct cursor cursor_at(const struct bytes *s, uint64_t offset)
{
    if (s->data == NULL || offset > s->size)
        return (struct cursor){.bad = true};
    return (struct cursor){s->data + offset, s->data + s->size, false};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->at);
}

/* A little-endian number of up to eight bytes. */
static inline uint64_t cursor_fixed(struct cursor *c, unsigned bytes)
{
    uint64_t value = 0;
    if (cursor_left(c) < bytes) {
        c->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)c->at[i] << (8 * i);
    c->at += bytes;
    return value;
}

static inline void cursor_skip(struct cursor *c, uint64_t bytes)
{
    if (cursor_left(c) < bytes)
        c->bad = true;
    else if (!c->bad)
        c->at += bytes;
}

/* A text that ends with a NUL; NULL: it does not. */
static inline const char *cursor_text(struct cursor *c)
{
    const uint8_t *zero = c->bad || c->at == c->end ? NULL : memchr(c->at, 0, (size_t)(c->end - c->at));
    const char *found = (const char *)c->at;
    if (zero == NULL) {
        c->bad = true;
        return NULL;
    }
    c->at = zero + 1;
    return found;
}

/* The next so many bytes as a range of their own. */
static inline struct bytes cursor_take(struct cursor *c, uint64_t bytes)
{
    struct bytes taken = {c->at, (size_t)bytes};
    cursor_skip(c, bytes);
    return c->bad ? (struct bytes){0} : taken;
}

#endif
