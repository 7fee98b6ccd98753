/* IRP_MN_CANCEL_REMOVE_DEVICE, sent from the top of the device stack. */
#include "scenario/scenario.h"

const struct scenario_verb verb_cancel_remove = {
    .name = "cancel_remove",
    .syntax = "t:cancel_remove(DEVICE)",
    .help = "take the question back",
    .op = RD_OP_CANCEL_REMOVE,
    .arguments = "D",
    .options = "expect:x",
};
