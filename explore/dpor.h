/*
 * The reduction's data and the steps of its search, for who drives it: strategies/dpor.c alone, or the
 * jobs that share one search (jobs.c, worker.c).
 *
 * The nodes below `base` are somebody else's: another job explores what is left to do there. What is found
 * to be tried there is noted in their `found`, `plain` and `assumptions`, and handed over.
 */
#ifndef EXPLORE_DPOR_H
#define EXPLORE_DPOR_H

#include "explore/history.h"
#include "explore/internal.h"
#include "explore/wakes.h"

#define NO_SNAPSHOT (~0u)

/* A transition that was explored from some state: what it would do wherever it sleeps. */
struct transition {
    unsigned agent;
    unsigned variants; /* transitions of this agent explored there; 0 while that is going on */
    bool ends;         /* the run: nothing comes behind it */
    struct answers answers;
    struct footprint footprint;
};

struct node {
    uint64_t enabled, backtrack, done,
        asleep;             /* asleep: agents none of whose transitions is worth taking */
    uint64_t doubted;       /* agents asleep that did not have to wake up on the way (node.c) */
    uint64_t fell;          /* agents that the present transition disabled */
    uint64_t plain;         /* those of `backtrack` that no order of `wakes` begins with */
    unsigned agent;         /* being explored; NO_AGENT */
    struct answers answers; /* of the agent's step */
    bool ended;             /* the run, with that step */
    bool owns_sleep;
    bool misled; /* an assumption has failed: orders are missing among those that are still to be followed */
    unsigned snapshot;
    size_t path;
    VEC(struct transition *) sleep;    /* inherited, owned further up unless owns_sleep */
    VEC(struct transition *) explored; /* from here, owned */
    struct assumptions assumptions;
    struct wakes wakes; /* what was under those agents that are being explored has moved to the next node */
    struct wakes found; /* the orders among them that somebody else is still to be told */
    uint32_t enabler[64]; /* by agent: the step that enabled it last; only for enabled ones */
};

struct dpor {
    struct explorer *x;
    struct history history; /* event i was executed from node i */
    VEC(struct node) nodes;
    size_t base;          /* nodes below it are not this search's */
    struct sequence order; /* races.c: the one being looked at */
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

/* races.c: the execution has ended; the reversed order of each race in it is begun somewhere. `whole`: it ended by itself. */
void dpor_reverse_races(struct dpor *d, bool whole);

/* Agents that need not begin anything at this node: explored from here, or asleep. */
uint64_t node_covered(const struct node *n);
/* The agents explored before the transition's: with them sleeps what is behind it. */
uint64_t node_done_before(const struct node *n, size_t transition);
bool node_transition_sleeps(const struct node *n, unsigned agent, const struct answers *answers);
/* The agent's transitions are all known and in n->explored. */
void node_agent_done(struct node *n, unsigned agent);
/* What sleeps behind a step: what slept before or was explored there, and commutes with it. `done`: whose transitions
 * count as explored; `shared`: what is behind them may still be being explored. n->enabled is known. The
 * transitions stay the parent's and its ancestors'. */
void node_inherit(struct node *n, const struct node *parent, bool shared, uint64_t done, unsigned agent,
                  const struct footprint *footprint);
/* No order has led to this node: whoever sleeps here is doubted. */
void node_doubt_sleep(struct node *n);
/* These agents are to be tried. */
void node_try(struct node *n, uint64_t agents);
/* A transition was passed over because it sleeps, while others of its agent do not. */
void node_skipped(struct node *n);
/* The order is to be begun, unless something that is explored from here covers it. True when it was added; v is used up. */
bool node_insert(struct node *n, struct sequence *v);
/* The same for an order that the agent's step belongs to, which was not seen; `others`: all its other turns. */
void node_leave_to(struct node *n, unsigned agent, const struct sequence *others);
/* Takes over what somebody else found to be tried at a node: agents, orders, assumptions (the last two moved). */
void node_add(struct node *n, uint64_t agents, struct wakes *orders, struct assumptions *assumptions);
void node_forget_found(struct node *n);
void node_close(struct node *n);
void transition_free(struct transition *t);
/* Those of `agents` that are next: asked for by themselves, which come before the orders, since those may rest on what they do; else
 * the one that begins the first order. */
uint64_t node_next(const struct node *n, uint64_t agents);
/* For progress: the fraction of the known tree that is done, and what is known and still to be tried. */
void dpor_measure(void *dpor, double *done, uint64_t *frontier);

#endif
