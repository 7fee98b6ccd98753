/* A disk in memory with our file system on it; also a statement, which mounts before the threads start. */
#include "scenario/scenario.h"

const struct scenario_verb verb_mount = {
    .name = "mount",
    .syntax = "t:mount([{device = NAME, link = NAME, pend = true}])",
    .help = "mount a volume in memory; by default \\Device\\HarddiskVolume1 as C:",
    .op = RD_OP_MOUNT,
    .arguments = "",
    .options = "device:n link:m pend:P expect:x",
};
