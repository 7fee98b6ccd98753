/*
 * Bounds kept by a test, as the oracle for those that the machine keeps: a subject that refuses early clock interrupts and early
 * arrivals by looking at an unbounded machine from outside, by the definition alone.
 */
#ifndef TESTS_LITMUS_WITHIN_H
#define TESTS_LITMUS_WITHIN_H

#include "explore/explore.h"

/* There is one at a time. Not with store buffers. */
struct subject within_bounds(struct machine *m, const struct machine_bounds *bounds);

#endif
