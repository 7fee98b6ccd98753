/* NtReadFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_read = {
    .name = "read",
    .syntax = "t:read(HANDLE, {output = BYTES, offset = N, async = true})",
    .help = "read; with async gives a request",
    .op = RD_OP_READ,
    .arguments = "h",
    .options = "output:o offset:v async:A expect:x",
};
