/*
 * The executed steps of the present execution with their happens-before relation, and the races in
 * it.
 *
 * Two steps conflict when they are of the same agent or touch a key in ways that do not commute.
 * Happens-before is the transitive closure of "conflicts and comes later", kept as one vector clock
 * a step. Two steps race when they conflict, are of different agents, and no third step lies
 * between them in happens-before.
 */
#ifndef EXPLORE_HISTORY_H
#define EXPLORE_HISTORY_H

#include "explore/internal.h"

#define HISTORY_NONE 0xFFFFFFFFu

struct event {
    unsigned agent;
    unsigned slot;     /* of the agent in clocks */
    uint32_t local;    /* 1 for the agent's first step */
    uint32_t previous; /* the agent's step before; HISTORY_NONE */
    size_t races;      /* the first of its races in the history's list */
    struct footprint footprint;
};

/* A run of accesses of one kind, which commute; a write is a run of its own. Each access of a run conflicts with all
 * of the run before it. */
struct access {
    uint32_t event;
    uint32_t run; /* position in the list where its run begins */
    uint8_t kind;
};

struct access_list {
    uint64_t key;
    VEC(struct access) accesses;
};

struct history {
    VEC(struct event) events;
    VEC(uint32_t) clocks; /* 64 a step */
    unsigned slots; /* agents seen so far */
    unsigned slot_of[64];
    unsigned agent_of[64];
    uint32_t latest[64];       /* by agent: its last step */
    struct access_list *lists; /* open addressing; never shrinks before history_clear */
    size_t list_capacity, list_count;
    VEC(uint32_t) races; /* of all steps; those of one step latest first */
    VEC(uint32_t) candidates;
};

/* Not "init": libedit has a function of that name. */
void history_open(struct history *h);
void history_clear(struct history *h);

/* Appends a step (the footprint becomes the history's) and its races. `enabler`:
 * a step that enabled this one, counted as conflicting whatever its footprint says; HISTORY_NONE.
 */
void history_append(struct history *h, unsigned agent, struct footprint footprint,
                    uint32_t enabler);
/* Takes the last step back and hands its footprint out. */
struct footprint history_remove(struct history *h);

/* The steps that step `i` races with: list[0 .. count - 1]. */
static inline size_t history_races(const struct history *h, size_t i, const uint32_t **list)
{
    size_t from = h->events.data[i].races;
    *list = h->races.data + from;
    return (i + 1 < h->events.count ? h->events.data[i + 1].races : h->races.count) - from;
}

static inline const uint32_t *history_clock(const struct history *h, uint32_t event)
{
    return h->clocks.data + (size_t)event * 64;
}

/* i == j or i happens before j; i <= j. */
static inline bool history_before(const struct history *h, uint32_t i, uint32_t j)
{
    const struct event *e = &h->events.data[i];
    return history_clock(h, j)[e->slot] >= e->local;
}

#endif
