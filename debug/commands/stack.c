/* k, kn, kb, kv: the stack of the context's thread. */
#include <inttypes.h>
#include <string.h>

#include "debug/debugger.h"

static void frame_line(struct debugger *d, unsigned number, const char *name)
{
    const struct stack_frame *f = &d->frames[number];
    bool is_return = number > 0 && !f->interrupt;
    char sp[DEBUG_ADDRESS], ret[DEBUG_ADDRESS], text[512];
    struct symbol y, inlined[INLINE_MAX];
    unsigned n = symbols_inlined(d->symbols, f->pc - is_return, inlined);
    bool numbers = name[1] == 'n';
    for (unsigned k = 0; k < n; k++) {
        symbol_text(&inlined[k], text, sizeof text);
        debug_print(d, "%s(Inline Function) --------`-------- %s\n", numbers ? "-- " : "", text);
    }
    symbols_find(d->symbols, f->pc - is_return, is_return, &y);
    if (y.module[0] != '\0')
        symbol_text(&y, text, sizeof text);
    else
        debug_address(f->pc, text);
    if (numbers)
        debug_print(d, "%02x ", number);
    debug_print(d, "%s %s ", debug_address(f->sp, sp), debug_address(f->return_address, ret));
    if (name[1] == 'b' || name[1] == 'v') { /* the home space above the return address: what the callee may have kept there */
        debug_print(d, ":");
        for (unsigned i = 0; i < 4; i++) {
            uint64_t value;
            gva_t home = number + 1 < d->frame_count ? d->frames[number + 1].sp + 8ull * i : 0;
            if (home != 0 && debug_read64(d, home, &value))
                debug_print(d, " %s", debug_address(value, sp));
            else
                debug_print(d, " ????????`????????");
        }
        debug_print(d, " : ");
    }
    debug_print(d, "%s%s\n", text, f->interrupt ? " (TrapFrame)" : "");
}

static void run(struct debugger *d, const char *name, const char *args)
{
    uint64_t count = d->frame_count;
    if (!debug_eval_optional(d, &args, &count))
        return;
    bool arguments = name[1] == 'b' || name[1] == 'v';
    debug_print(d, "%sChild-SP          RetAddr           %sCall Site\n", name[1] == 'n' ? " # " : "",
                arguments ? ": Args to Child                                                           : " : "");
    for (unsigned i = 0; i < d->frame_count && i < count; i++)
        frame_line(d, i, name);
}

const struct debug_command debug_command_stack = {
    .names = "k kn kb kv",
    .syntax = "[COUNT]",
    .help = "the stack; kn with frame numbers, kb and kv with the first four home slots",
    .run = run,
};
