/* NtQueueApcThread; the routine counts its deliveries. */
#include "scenario/scenario.h"

const struct scenario_verb verb_queue_apc = {
    .name = "queue_apc",
    .syntax = "t:queue_apc(THREAD)",
    .help = "queue a user-mode APC to a thread",
    .op = RD_OP_QUEUE_APC,
    .arguments = "T",
    .options = "expect:x",
};
