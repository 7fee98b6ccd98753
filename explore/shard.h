/*
 * One part of a check that several processes share without speaking to each other. The upper levels of the tree are expanded in
 * full, with sleep sets, by each of them alike, until there are several subtrees for each part; a subtree belongs to the part
 * that its number gives. Every agent is tried at the upper levels, so no race in one part asks for anything in another.
 *
 * Where steps end decides what the levels are, and sharing decides where steps end. So all parts begin with the same few
 * executions, which find nearly all shared locations; a part that finds more says so by another `sharing` in its result, and
 * the parts do not make one claim then.
 */
#ifndef EXPLORE_SHARD_H
#define EXPLORE_SHARD_H

#include "explore/units.h"

/* Finds shared locations, the same in every part. */
void shard_prepare(struct explorer *x);
/* The units of this part. x->grown is set when sharing grew meanwhile. The subject is left at the root. */
void shard_divide(struct explorer *x, struct units *mine);

#endif
