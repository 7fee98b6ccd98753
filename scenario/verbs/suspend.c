/* NtSuspendThread. */
#include "scenario/scenario.h"

const struct scenario_verb verb_suspend = {
    .name = "suspend",
    .syntax = "t:suspend(THREAD)",
    .help = "suspend a thread of the scenario",
    .op = RD_OP_SUSPEND,
    .arguments = "T",
    .options = "expect:x",
};
