/* NtCancelIoFile for one request; a kernel client calls IoCancelIrp. */
#include "scenario/scenario.h"

const struct scenario_verb verb_cancel = {
    .name = "cancel",
    .syntax = "t:cancel(REQUEST)",
    .help = "cancel an asynchronous request",
    .op = RD_OP_CANCEL,
    .arguments = "r",
    .options = "expect:x",
};
