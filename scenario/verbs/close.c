/* NtClose: cleanup, then close when the last reference goes. */
#include "scenario/scenario.h"

const struct scenario_verb verb_close = {
    .name = "close",
    .syntax = "t:close(HANDLE)",
    .help = "close a handle",
    .op = RD_OP_CLOSE,
    .arguments = "h",
    .options = "expect:x",
};
