/* NtAlertThread. */
#include "scenario/scenario.h"

const struct scenario_verb verb_alert = {
    .name = "alert",
    .syntax = "t:alert(THREAD)",
    .help = "alert a thread",
    .op = RD_OP_ALERT,
    .arguments = "T",
    .options = "expect:x",
};
