/* IRP_MN_QUERY_REMOVE_DEVICE, sent from the top of the device stack. */
#include "scenario/scenario.h"

const struct scenario_verb verb_query_remove = {
    .name = "query_remove",
    .syntax = "t:query_remove(DEVICE)",
    .help = "ask a device stack whether it may be removed",
    .op = RD_OP_QUERY_REMOVE,
    .arguments = "D",
    .options = "expect:x",
};
