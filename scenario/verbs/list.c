/* NtQueryDirectoryFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_list = {
    .name = "list",
    .syntax = "t:list(HANDLE[, PATTERN][, {class = CLASS, output = BYTES}])",
    .help = "query the entries of an open directory, from where the last query ended",
    .op = RD_OP_LIST,
    .arguments = "h?n",
    .options = "class:q output:o expect:x",
};
