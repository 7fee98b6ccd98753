/*
 * What is left of a search that is shared or kept (explore/jobs.h): the upper part of the tree as passive data, its *shared nodes*,
 * and a queue of *units* of work below them. All of it can be written down and read again, by a worker or from a file.
 *
 * At each shared node one agent is probed at a time, so that the order in which agents count as explored is the order of
 * n->explored; a unit is told of those before its own agent alone. Were two siblings told of each other, both would
 * sleep behind the other, and what begins with either would be lost.
 */
#ifndef EXPLORE_UNITS_H
#define EXPLORE_UNITS_H

#include "explore/wire.h"

/* To a worker: all nodes from the root, each with the transition to take; the last one's is explored, or its
 * agent's further transitions are probed. */
enum { TASK_EXPLORE = 1, TASK_PROBE };

struct shared {
    struct node n;
    struct shared *parent;
    size_t taken;     /* transition of the parent that leads here */
    unsigned refs;    /* units here, and children */
    uint64_t probing; /* the agent being probed */
    size_t number;    /* in a checkpoint being written; 0: none yet */
};

struct unit {
    uint64_t task;
    struct shared *node;
    size_t transition;      /* TASK_EXPLORE: of node->n.explored */
    unsigned agent;         /* TASK_PROBE */
    struct answers answers; /* and behind which; moved */
    bool further;
    unsigned lives;
    /* How far its worker has come: a chain of published nodes below the transition, whose last transition is what is left.
     * All that was found before has been counted. */
    uint8_t *saved;
    size_t saved_size;
};

struct units {
    VEC(struct unit) queue; /* from at */
    size_t at;
};

/* A new top of the tree, with a reference for the caller; the contents of n are moved. */
struct shared *shared_make(struct shared *parent, size_t taken, struct node *n);
void shared_release(struct shared *s);
/* The nodes from the root to s; malloc'ed. */
size_t shared_way(struct shared *s, struct shared ***out);

/* Adds a unit: it gets a reference to its node, and what it points to is moved. */
void units_add(struct units *q, struct unit u);
bool units_take(struct units *q, struct unit *out);
size_t units_waiting(const struct units *q);
void units_free(struct units *q);
/* The unit is done, or of no interest any more. */
void unit_over(struct unit *u);

/* Has the next agent probed that is to be tried at the node. */
void units_schedule(struct units *q, struct shared *s);
/* The agent's transitions are all in the node's list. */
void units_probed(struct units *q, struct shared *s, unsigned agent);
/* A chain of nodes as put_published() wrote them, below `parent`'s transition; the last transition of each leads on.
 * Returns the last node, with a reference for the caller; NULL when there is none or the message is broken. */
struct shared *units_get_chain(struct units *q, struct wire *w, struct shared *parent, size_t taken);
/* A unit whose worker has gone: what it saved becomes shared, and the unit what is left. False: what was saved is broken. */
bool unit_unsave(struct units *q, struct unit *u);

void put_node(struct wire *w, const struct node *n);
/* Appends to an empty node's lists; the node is to be closed even when the message is broken. */
void get_node(struct wire *w, struct node *n);
/* A node with everything that is left to do there. `current`: the footprint of the transition that the node is left by. */
void put_published(struct wire *w, const struct node *n, const struct footprint *current);
/* The unit for a worker. */
void put_unit(struct wire *w, const struct unit *u);

/* How much of the tree is left below the units, if all that is known to be tried at a node leads to equally much. */
double unit_share(const struct unit *u);

#endif
