/* IRP_MN_REMOVE_DEVICE, sent from the top of the device stack. */
#include "scenario/scenario.h"

const struct scenario_verb verb_remove_device = {
    .name = "remove_device",
    .syntax = "t:remove_device(DEVICE)",
    .help = "remove a device, whatever handles are open",
    .op = RD_OP_REMOVE_DEVICE,
    .arguments = "D",
    .options = "expect:x",
};
