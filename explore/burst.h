/*
 * A search that gets long stops for a moment to look for a quick bug: a fixed number of samples, and the executions with
 * few preemptions. The same executions every time, whatever the machine's speed. They run in a child process, so that the search goes
 * on as if nothing had been, and count for nothing in its claim.
 */
#ifndef EXPLORE_BURST_H
#define EXPLORE_BURST_H

#include "explore/internal.h"

/* Whether the time has come. */
bool burst_wanted(const struct explorer *x);
/* Records the violation that was found, if any: x->over is set then. */
void burst_run(struct explorer *x);

#endif
