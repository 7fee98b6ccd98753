/* Which threads of a session's scenario are alike, for `check` (explore/symmetry.h). */
#ifndef CLI_ALIKE_H
#define CLI_ALIKE_H

#include "base/str.h"
#include "cli/cli.h"

/* Groups of agents, at most SYMMETRY_GROUPS, and in *names "a and b" or "a, b and c; d and e". Nothing with --cpus: which thread runs
 * on a processor would depend on its number. The machine has been booted. */
unsigned alike_groups(struct session *s, uint64_t *groups, struct str *names);

#endif
