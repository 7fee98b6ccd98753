/* NtCreateFile; a kernel client takes a reference on the device object instead. */
#include "scenario/scenario.h"

const struct scenario_verb verb_open = {
    .name = "open",
    .syntax = "t:open(NAME[, {create = WORD, access = WORDS, share = WORDS, directory = true, "
              "file = true, delete_on_close = true, kernel = true}])",
    .help = "open a device or file by name; gives a handle",
    .op = RD_OP_OPEN,
    .arguments = "n",
    .options = "create:c access:a share:h directory:d file:f delete_on_close:e kernel:K expect:x",
};
