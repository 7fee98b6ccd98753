/* Waits for an asynchronous request; the step ends with the request's status. */
#include "scenario/scenario.h"

const struct scenario_verb verb_wait = {
    .name = "wait",
    .syntax = "t:wait(REQUEST)",
    .help = "wait until an asynchronous request has completed",
    .op = RD_OP_WAIT,
    .arguments = "r",
    .options = "expect:x",
};
