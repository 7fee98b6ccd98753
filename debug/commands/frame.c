/* .frame: a frame of the stack, with the registers that its caller finds when it gets control back. */
#include <string.h>

#include "debug/debugger.h"

static void run(struct debugger *d, const char *name, const char *args)
{
    uint64_t number = d->frame;
    bool registers = false;
    (void)name;
    while (args[0] == '/' && (args[1] == 'r' || args[1] == 'c')) {
        registers |= args[1] == 'r';
        args += 2 + strspn(args + 2, " \t");
    }
    if (!debug_eval_optional(d, &args, &number))
        return;
    if (number >= d->frame_count || !debug_context_frame(d, (unsigned)number)) {
        debug_error(d, "Cannot find frame 0x%llx, previous scope unchanged", (unsigned long long)number);
        return;
    }
    const struct stack_frame *f = &d->frames[number];
    char sp[DEBUG_ADDRESS], ret[DEBUG_ADDRESS], text[512];
    struct symbol y;
    bool is_return = number > 0 && !f->interrupt;
    symbols_find(d->symbols, f->pc - is_return, is_return, &y);
    if (y.module[0] != '\0')
        symbol_text(&y, text, sizeof text);
    else
        debug_address(f->pc, text);
    debug_print(d, "%02x %s %s %s\n", (unsigned)number, debug_address(f->sp, sp), debug_address(f->return_address, ret), text);
    if (registers) {
        debug_print_registers(d);
        debug_print_position(d);
    }
}

const struct debug_command debug_command_frame = {
    .names = ".frame",
    .syntax = "[/r] [N]",
    .help = "choose a frame of the stack; /r: with its registers",
    .run = run,
};
