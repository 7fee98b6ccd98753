/* NtCreateFile; a kernel client takes a reference on the device object instead. */
#include "scenario/scenario.h"

const struct scenario_verb verb_open = {
    .name = "open",
    .syntax = "t:open(NAME[, {kernel = true}])",
    .help = "open a device or file by name; gives a handle",
    .op = RD_OP_OPEN,
    .arguments = "n",
    .options = "kernel:K expect:x",
};
