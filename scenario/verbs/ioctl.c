/* NtDeviceIoControlFile; a kernel client builds the request itself. */
#include "scenario/scenario.h"

const struct scenario_verb verb_ioctl = {
    .name = "ioctl",
    .syntax = "t:ioctl(HANDLE, CODE, {input = TEXT, output = BYTES, async = true})",
    .help = "send a control code; with async gives a request",
    .op = RD_OP_IOCTL,
    .arguments = "hu",
    .options = "input:s output:o async:A expect:x",
};
