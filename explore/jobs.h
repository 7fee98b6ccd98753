/*
 * One search by several processes. The process that began it keeps the upper part of the tree: its *shared nodes*,
 * passive data, and a queue of *units* of work below them (explore/units.h). Workers, forked from it with the machine at the
 * root, take units. Each explores its subtree like a search of its own; what its races ask to be tried at shared nodes goes back
 * with the result, and becomes new units. When somebody is idle, a worker gives the upper part of its own subtree away,
 * which becomes shared in its turn.
 *
 * Sleep sets need an order among what is tried at a node, not that one is finished before the next begins: an agent's transitions
 * are *probed* (executed once, for their footprints) before anybody explores behind them, and count as explored for all that
 * are probed later. So jobs explore no interleaving twice that one job would not.
 *
 * Whatever a worker says comes with how far it has come in its unit, and is counted together with that. So when a worker dies,
 * what it did since is done again, and counts once; and the same data, written to a file, is a checkpoint
 * (explore/checkpoint.h).
 */
#ifndef EXPLORE_JOBS_H
#define EXPLORE_JOBS_H

#include "explore/units.h"

/* Whether the search, with a node just opened, is to be shared: it is long, or has a checkpoint. */
bool jobs_wanted(const struct dpor *d);
/* Explores the rest of it. Afterwards x->over or x->grown is set, or everything has been explored; the search itself is
 * cleared. */
void jobs_run(struct dpor *d);
/* Explores what these units lead to, which are moved; the subject stands at the root. */
void jobs_run_units(struct explorer *x, struct units *units);

#endif
