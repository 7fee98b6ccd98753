/* IRP_MN_QUERY_CAPABILITIES, as any driver may send it at any time, in its own thread. */
#include "scenario/scenario.h"

const struct scenario_verb verb_query_capabilities = {
    .name = "query_capabilities",
    .syntax = "t:query_capabilities(DEVICE)",
    .help = "ask a device stack for its capabilities",
    .op = RD_OP_QUERY_CAPABILITIES,
    .arguments = "D",
    .options = "expect:x",
};
