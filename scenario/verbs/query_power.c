/* IRP_MN_QUERY_POWER for a device power state. */
#include "scenario/scenario.h"

const struct scenario_verb verb_query_power = {
    .name = "query_power",
    .syntax = "t:query_power(DEVICE, STATE)",
    .help = "ask whether a device may enter power state D0 to D3",
    .op = RD_OP_QUERY_POWER,
    .arguments = "Dp",
    .options = "expect:x",
};
