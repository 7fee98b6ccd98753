/* The filter manager's control device, as the user-mode library's FilterUnload asks it. */
#include "scenario/scenario.h"

const struct scenario_verb verb_unload_filter = {
    .name = "unload_filter",
    .syntax = "t:unload_filter(DRIVER)",
    .help = "unload a minifilter through the filter manager, which it may refuse",
    .op = RD_OP_UNLOAD_FILTER,
    .arguments = "d",
    .options = "expect:x",
};
