/* NtLoadDriver. */
#include "scenario/scenario.h"

const struct scenario_verb verb_load = {
    .name = "load",
    .syntax = "t:load(DRIVER)",
    .help = "load a driver that the scenario declares",
    .op = RD_OP_LOAD,
    .arguments = "d",
    .options = "expect:x",
};
