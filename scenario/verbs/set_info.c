/* NtSetInformationFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_set_info = {
    .name = "set_info",
    .syntax = "t:set_info(HANDLE, CLASS, {input = BYTES})",
    .help = "change information about the open file; string.pack makes the bytes",
    .op = RD_OP_SET_INFO,
    .arguments = "hq",
    .options = "input:s expect:x",
};
