/* NtFlushBuffersFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_flush = {
    .name = "flush",
    .syntax = "t:flush(HANDLE[, {async = true}])",
    .help = "flush buffers; with async gives a request",
    .op = RD_OP_FLUSH,
    .arguments = "h",
    .options = "async:A expect:x",
};
