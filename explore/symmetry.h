/*
 * Agents that run the same steps, told apart by nothing, are interchangeable: each execution becomes one of them by
 * another order of the agents, in which the first agent of a group takes its K-th step first, the second one next,
 * and so on. Only those executions are explored. K is chosen so that the order of the K-th steps matters.
 */
#ifndef EXPLORE_SYMMETRY_H
#define EXPLORE_SYMMETRY_H

#include "explore/explore.h"

#define SYMMETRY_GROUPS 8

struct symmetry;
/* `groups`: agents that are alike in the present state, none in two groups. *inner is copied. Once inner->told_apart says that the
 * run has asked which of them is which, all that was explored is void, and all orders are. */
struct symmetry *symmetry_open(const struct subject *inner, const uint64_t *groups, unsigned count);
struct subject symmetry_subject(struct symmetry *s);
/* Nothing has told them apart, and there are orders that are left out. */
bool symmetry_used(const struct symmetry *s);
void symmetry_close(struct symmetry *s);

#endif
