/*
 * Wakeup trees: what is to be explored from a state, as the orders in which agents shall begin. An order was found by
 * reversing a race of an execution; following it whole leads to where the race comes out the other way, so that the
 * execution behind it is a new one and not one that a sleeping agent has covered (Abdulla, Aronis, Jonsson and Sagonas,
 * "Optimal dynamic partial order reduction", POPL 2014).
 */
#ifndef EXPLORE_WAKES_H
#define EXPLORE_WAKES_H

#include "explore/internal.h"

/* Orders were left to `agent` to begin, on the assumption that its step, not yet seen there,
 * commutes with the rest of them. If it turns out not to, one of `initials` has to begin. */
struct assumption {
    unsigned agent;
    uint64_t initials;
    struct footprint rest;
};
struct assumptions {
    struct assumption *data;
    size_t count, capacity;
};

struct wakes {
    struct wake **data; /* in the order in which they are explored; owned */
    size_t count, capacity;
};

struct wake {
    unsigned agent;
    bool guess, needed; /* as in its order */
    struct answers answers;
    struct footprint footprint;
    struct assumptions assumptions; /* about the branches below */
    struct wakes behind;
};

/* One step of an order, as it was seen in an execution; borrowed. */
struct turn {
    unsigned agent;
    bool needed; /* the last turn depends on it */
    const struct answers *answers;
    const struct footprint *footprint;
};
/* A reversed order: all that does not depend on the earlier step of the race, and then the later one. What that touches
 * without the earlier one is a guess. */
struct sequence {
    struct turn *data;
    size_t count, capacity;
    size_t guess; /* its place, the last; NO_GUESS: there is none */
};
#define NO_GUESS ((size_t)-1)

/* That the agent's step commutes with all turns but its own. */
void assume(struct assumptions *list, unsigned agent, uint64_t initials, const struct sequence *v);
void assumptions_clear(struct assumptions *list);

void wakes_free(struct wakes *w);
/* The one for a transition; NULL. */
struct wake *wakes_find(const struct wakes *w, unsigned agent, const struct answers *answers);
/* Adds the order as a branch of its own; what it points to is copied. */
void wakes_append(struct wakes *w, const struct sequence *v);
/* A branch that wakes_append made, as an order again, which borrows from it. */
void wake_sequence(const struct wake *branch, struct sequence *out);

/* Turns before the agent's first one; v->count when it has none. */
size_t sequence_first(const struct sequence *v, unsigned agent);
/* Turn k depends on no turn before it: its agent can begin the order. */
bool sequence_begins(const struct sequence *v, size_t k);
/* Agents that are sure to be able to begin the order. */
uint64_t sequence_initials(const struct sequence *v);
/* Nothing but turns of `agent` itself conflicts with the footprint. */
bool sequence_commutes(const struct sequence *v, unsigned agent, const struct footprint *f);
void sequence_remove(struct sequence *v, size_t k);
/* Leaves the guess and what it needs. */
void sequence_reduce(struct sequence *v);

#endif
