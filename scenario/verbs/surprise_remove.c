/* IRP_MN_SURPRISE_REMOVAL, sent from the top of the device stack. */
#include "scenario/scenario.h"

const struct scenario_verb verb_surprise_remove = {
    .name = "surprise_remove",
    .syntax = "t:surprise_remove(DEVICE)",
    .help = "tell a device stack that its device is gone; it is removed with the last handle",
    .op = RD_OP_SURPRISE_REMOVE,
    .arguments = "D",
    .options = "expect:x",
};
