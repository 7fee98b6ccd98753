/* r: the registers of the chosen frame, in WinDbg's lines, then where it stands. */
#include <inttypes.h>
#include <string.h>

#include "debug/debugger.h"

static void run(struct debugger *d, const char *name, const char *args)
{
    uint64_t value;
    (void)name;
    if (*args == '\0') {
        debug_print_registers(d);
        debug_print_position(d);
        return;
    }
    while (*args != '\0') {
        char text[16];
        size_t n = strcspn(args, ", \t");
        const char *shown = *args == '@' ? args + 1 : args;
        snprintf(text, sizeof text, "%.*s", (int)(n - (size_t)(shown - args)), shown);
        if (strchr(text, '=') != NULL || args[n + strspn(args + n, " \t")] == '=') {
            debug_error(d, "Registers cannot be changed: the execution is a recording");
            return;
        }
        if (!debug_register(&d->frame_regs, machine_cpu(d->m, d->cpu)->irql, text, &value)) {
            debug_error(d, "Bad register error at '%s'", args);
            return;
        }
        debug_print(d, "%s=%016" PRIx64 "\n", text, value);
        args += n + strspn(args + n, ", \t");
    }
}

const struct debug_command debug_command_registers = {
    .names = "r",
    .syntax = "[REGISTER, ...]",
    .help = "registers of the chosen frame",
    .run = run,
};
