/* NtUnloadDriver. */
#include "scenario/scenario.h"

const struct scenario_verb verb_unload = {
    .name = "unload",
    .syntax = "t:unload(DRIVER)",
    .help = "unload a driver",
    .op = RD_OP_UNLOAD,
    .arguments = "d",
    .options = "expect:x",
};
