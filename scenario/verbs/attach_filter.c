/* The filter manager's control device, as the user-mode library's FilterAttach asks it. */
#include "scenario/scenario.h"

const struct scenario_verb verb_attach_filter = {
    .name = "attach_filter",
    .syntax = "t:attach_filter(DRIVER, VOLUME)",
    .help = "attach a minifilter to a volume by hand",
    .op = RD_OP_ATTACH_FILTER,
    .arguments = "dV",
    .options = "expect:x",
};
