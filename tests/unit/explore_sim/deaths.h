/* Processes that end in the middle of a search. */
#ifndef TESTS_UNIT_EXPLORE_SIM_DEATHS_H
#define TESTS_UNIT_EXPLORE_SIM_DEATHS_H

#include "explore/explore.h"

/* Makes steps deadly: in a process other than the present one, each `every`th step taken by all of them ends the process, or its
 * parent. every 0: no more. */
void deaths_begin(struct subject *s, unsigned every, bool of_parent);
/* How many there were since. */
unsigned deaths_so_far(void);

/* Runs it in a process of its own; true when that came to its end. */
bool deaths_survived(void (*run)(void *context), void *context);

#endif
