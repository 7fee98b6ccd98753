/* NtWriteFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_write = {
    .name = "write",
    .syntax = "t:write(HANDLE, {input = TEXT, offset = N, async = true})",
    .help = "write; with async gives a request",
    .op = RD_OP_WRITE,
    .arguments = "h",
    .options = "input:s offset:v async:A expect:x",
};
