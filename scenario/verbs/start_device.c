/* IRP_MN_START_DEVICE, sent from the top of the device stack. */
#include "scenario/scenario.h"

const struct scenario_verb verb_start_device = {
    .name = "start_device",
    .syntax = "t:start_device(DEVICE)",
    .help = "start a device that was stopped or just added",
    .op = RD_OP_START_DEVICE,
    .arguments = "D",
    .options = "expect:x",
};
