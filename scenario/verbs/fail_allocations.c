/* Gives the explorer N allocation failures to place. */
#include "scenario/scenario.h"

const struct scenario_verb verb_fail_allocations = {
    .name = "fail_allocations",
    .syntax = "t:fail_allocations(N)",
    .help = "let at most N pool allocations fail from here on",
    .op = RD_OP_FAIL_ALLOCATIONS,
    .arguments = "v",
    .options = "",
};
