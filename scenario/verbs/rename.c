/* NtSetInformationFile with FileRenameInformation. */
#include "scenario/scenario.h"

const struct scenario_verb verb_rename = {
    .name = "rename",
    .syntax = "t:rename(HANDLE, NAME[, {replace = true}])",
    .help = "rename the open file: a plain name, or the whole new path",
    .op = RD_OP_RENAME,
    .arguments = "hn",
    .options = "replace:R expect:x",
};
