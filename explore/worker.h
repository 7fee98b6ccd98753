/* What a worker of a shared search is told, and what it says. */
#ifndef EXPLORE_WORKER_H
#define EXPLORE_WORKER_H

#include <stdatomic.h>

#include "explore/wire.h"

/* To a worker: all nodes from the root, each with the transition to take; the last one's is explored, or its
 * agent's further transitions are probed. */
enum { TASK_EXPLORE = 1, TASK_PROBE };

/* From a worker. All but SAY_GREW begin with what it found for the nodes that are not its own. */
enum {
    SAY_SPLIT = 1, /* the upper part of its subtree; it goes on below */
    SAY_DONE,      /* its unit */
    SAY_PROBED,    /* an agent's transitions */
    SAY_GREW       /* locations that turned out to be shared */
};

/* In memory that all jobs see. */
struct jobs_board {
    atomic_uint stop;    /* end what you are doing */
    atomic_uint hungry;  /* so many workers have nothing to do */
    atomic_ullong executions, steps; /* of all workers, for limits and progress */
};

/* The life of a worker, in its own process. */
_Noreturn void worker_main(struct explorer *x, int fd);

/* A node with everything that is left to do there. `current`: the footprint of the transition that the node is left by. */
void put_published(struct wire *w, const struct node *n, const struct footprint *current);

#endif
