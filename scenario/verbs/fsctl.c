/* NtFsControlFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_fsctl = {
    .name = "fsctl",
    .syntax = "t:fsctl(HANDLE, CODE[, {input = TEXT, output = BYTES, async = true}])",
    .help = "file system control; with async gives a request",
    .op = RD_OP_FSCTL,
    .arguments = "hu",
    .options = "input:s output:o async:A expect:x",
};
