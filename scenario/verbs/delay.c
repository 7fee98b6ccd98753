/* NtDelayExecution. Lowered to NT's relative due time: negative, in units of 100 ns. */
#include "scenario/scenario.h"

const struct scenario_verb verb_delay = {
    .name = "delay",
    .syntax = "t:delay(SECONDS[, {alertable = true}])",
    .help = "sleep, in virtual time",
    .op = RD_OP_DELAY,
    .arguments = "t",
    .options = "alertable:L expect:x",
};
