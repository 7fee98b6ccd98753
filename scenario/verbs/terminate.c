/* NtTerminateThread. */
#include "scenario/scenario.h"

const struct scenario_verb verb_terminate = {
    .name = "terminate",
    .syntax = "t:terminate(THREAD)",
    .help = "terminate a thread",
    .op = RD_OP_TERMINATE,
    .arguments = "T",
    .options = "expect:x",
};
