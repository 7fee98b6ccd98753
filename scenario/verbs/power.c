/* IRP_MN_SET_POWER for a device power state. */
#include "scenario/scenario.h"

const struct scenario_verb verb_power = {
    .name = "power",
    .syntax = "t:power(DEVICE, STATE)",
    .help = "put a device into power state D0 to D3",
    .op = RD_OP_POWER,
    .arguments = "Dp",
    .options = "expect:x",
};
