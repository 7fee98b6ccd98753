/* What a worker of a shared search is told, and what it says. */
#ifndef EXPLORE_WORKER_H
#define EXPLORE_WORKER_H

#include <stdatomic.h>

#include "explore/units.h"

/* From a worker. All but SAY_GREW begin with what it found for the nodes that are not its own. */
enum {
    SAY_SPLIT = 1, /* the upper part of its subtree, maybe nothing, and how far it is with the rest; it goes on below */
    SAY_DONE,      /* its unit */
    SAY_PROBED,    /* an agent's transitions */
    SAY_GREW       /* locations that turned out to be shared */
};

/* In memory that all jobs see. */
struct jobs_board {
    atomic_uint stop;   /* say how far you are, and end */
    atomic_uint save;   /* say how far you are whenever this has changed */
    atomic_uint hungry; /* so many workers have nothing to do */
    atomic_ullong executions, steps; /* of all workers, for limits and progress */
};

/* The life of a worker, in its own process. */
_Noreturn void worker_main(struct explorer *x, int fd);

#endif
