/* Makes no step of its own: the step before it must end with this status. */
#include "scenario/scenario.h"

const struct scenario_verb verb_expect = {
    .name = "expect",
    .syntax = "t:expect(STATUS)",
    .help = "the step before must end with this status",
    .op = 0,
    .arguments = "x",
    .options = "",
};
