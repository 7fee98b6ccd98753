/* NtQueryVolumeInformationFile. */
#include "scenario/scenario.h"

const struct scenario_verb verb_query_volume = {
    .name = "query_volume",
    .syntax = "t:query_volume(HANDLE, CLASS, {output = BYTES})",
    .help = "query information about the volume that the file is on",
    .op = RD_OP_QUERY_VOLUME,
    .arguments = "hw",
    .options = "output:o expect:x",
};
