/*
 * The reduction's data and the steps of its search, for who drives it: strategies/dpor.c alone, or the
 * jobs that share one search (jobs.c, worker.c).
 *
 * The nodes below `base` are somebody else's: another job explores what is left to do there. What a step finds
 * to be tried there is noted in their `backtrack` and `assumptions`, and handed over.
 */
#ifndef EXPLORE_DPOR_H
#define EXPLORE_DPOR_H

#include "explore/history.h"
#include "explore/internal.h"

#define NO_SNAPSHOT (~0u)

/* A transition that was explored from some state: what it would do wherever it sleeps. */
struct transition {
    unsigned agent;
    unsigned variants; /* transitions of this agent explored there; 0 while that is going on */
    struct answers answers;
    struct footprint footprint;
};

/* Orders were left to `agent` to begin, on the assumption that its step from here, not yet seen,
 * commutes with the rest of them. If it turns out not to, one of `initials` has to begin. */
struct assumption {
    unsigned agent;
    uint64_t initials;
    struct footprint rest;
};

/* A race of the present execution whose reversed order is left to the later step's agent (or to one
 * that `early` disabled: early == later). Steps that come yet and do not depend on `early` belong
 * to that order, too. */
struct order {
    uint32_t early, later;
    unsigned agent;
    uint64_t initials; /* who else can begin it; 0: nobody before the step `first` */
    uint32_t first;
    uint64_t first_id;
};

struct node {
    uint64_t enabled, backtrack, done,
        asleep;             /* asleep: agents none of whose transitions is worth taking */
    unsigned agent;         /* being explored; NO_AGENT */
    struct answers answers; /* of the agent's step */
    bool owns_sleep;
    unsigned snapshot;
    size_t path;
    VEC(struct transition *) sleep;    /* inherited, owned further up unless owns_sleep */
    VEC(struct transition *) explored; /* from here, owned */
    VEC(struct assumption) assumptions;
    uint32_t enabler[64]; /* by agent: the step that enabled it last; only for enabled ones */
};

struct dpor {
    struct explorer *x;
    struct history history; /* event i was executed from node i */
    VEC(struct node) nodes;
    VEC(struct order) orders; /* by later */
    size_t base;              /* nodes below it are not this search's */
    bool again;               /* a step is repeated: what races with it has been seen to */
};

#define NODES_TOP(d) (&(d)->nodes.data[(d)->nodes.count - 1])

void dpor_init(struct dpor *d, struct explorer *x);
/* Closes every node and forgets the history. */
void dpor_clear(struct dpor *d);
/* Opens a node at the present state, behind the last event. False: nothing is to be explored from
 * here. */
bool dpor_descend(struct dpor *d);
/* Executes the top node's transition and opens the next node. False when the execution ends with it. */
bool dpor_take_step(struct dpor *d);
/* Way to a subtree that another job found: opens a node of its own, whose transition (`agent`, `answers`)
 * was explored or is to be. `given` is moved. All nodes opened so are below `base`. */
void dpor_open(struct dpor *d, struct node *given);
/* Executes the transition of the node just opened: on the way, where all that follows from it is known; */
void dpor_repeat(struct dpor *d);
/* and at the end of the way, where it is explored for the first time. False as dpor_take_step. */
bool dpor_begin(struct dpor *d);
/* Moves the deepest node that has something left to its next transition; false when all is
 * explored. */
bool dpor_advance(struct dpor *d);

/* Agents that need not begin anything at this node: explored from here, or asleep. */
uint64_t node_covered(const struct node *n);
bool node_transition_sleeps(const struct node *n, unsigned agent, const struct answers *answers);
/* The agent's transitions are all known and in n->explored. */
void node_agent_done(struct node *n, unsigned agent);
/* What sleeps behind the parent's transition; n->enabled is known. The transitions stay the parent's and its ancestors'. */
void node_inherit(struct node *n, const struct node *parent, size_t transition);
/* Takes over what somebody else found to be tried at a node: agents, and assumptions (moved). */
void node_add(struct node *n, uint64_t backtrack, struct assumption *assumptions, size_t count);
void node_close(struct node *n);
void transition_free(struct transition *t);
/* For progress: the fraction of the known tree that is done, and what is known and still to be tried. */
void dpor_measure(void *dpor, double *done, uint64_t *frontier);

#endif

