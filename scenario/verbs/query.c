/* NtQueryInformationFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_query = {
    .name = "query",
    .syntax = "t:query(HANDLE, CLASS, {output = BYTES})",
    .help = "query information about the open file",
    .op = RD_OP_QUERY,
    .arguments = "hq",
    .options = "output:o expect:x",
};
