/* NtDeleteFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_delete = {
    .name = "delete",
    .syntax = "t:delete(NAME)",
    .help = "delete a file or an empty directory",
    .op = RD_OP_DELETE,
    .arguments = "n",
    .options = "expect:x",
};
