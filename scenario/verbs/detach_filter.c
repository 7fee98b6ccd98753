/* The filter manager's control device, as the user-mode library's FilterDetach asks it. */
#include "scenario/scenario.h"

const struct scenario_verb verb_detach_filter = {
    .name = "detach_filter",
    .syntax = "t:detach_filter(DRIVER, VOLUME)",
    .help = "detach a minifilter from a volume by hand",
    .op = RD_OP_DETACH_FILTER,
    .arguments = "dV",
    .options = "expect:x",
};
