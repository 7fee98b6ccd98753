/* NtResumeThread. */
#include "scenario/scenario.h"

const struct scenario_verb verb_resume = {
    .name = "resume",
    .syntax = "t:resume(THREAD)",
    .help = "resume a suspended thread",
    .op = RD_OP_RESUME,
    .arguments = "T",
    .options = "expect:x",
};
