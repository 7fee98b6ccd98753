/* ln, x, lm: names and modules. ? : expressions. */
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "debug/debugger.h"

static void nearest(struct debugger *d, const char *args)
{
    uint64_t a = d->frame_regs.rip;
    struct debug_near near;
    char below[DEBUG_ADDRESS], above[DEBUG_ADDRESS];
    struct symbol y;
    if (!debug_eval_optional(d, &args, &a))
        return;
    if (!debug_nearest(d, a, &near)) {
        debug_error(d, "There is no symbol at %s", debug_address(a, below));
        return;
    }
    symbols_find(d->symbols, a, false, &y);
    if (y.file[0] != '\0')
        debug_print(d, "%s(%u)%s\n", y.file, y.line, a == near.below_at ? "" : "+");
    if (a == near.below_at)
        debug_print(d, "(%s)   %s", debug_address(near.below_at, below), near.below);
    else
        debug_print(d, "(%s)   %s+0x%" PRIx64, debug_address(near.below_at, below), near.below, a - near.below_at);
    if (near.above[0] != '\0')
        debug_print(d, "   |  (%s)   %s", debug_address(near.above_at, above), near.above);
    debug_print(d, "\n");
    if (a == near.below_at)
        debug_print(d, "Exact matches:\n    %s\n", near.below);
}

struct matching {
    struct debugger *d;
    const char *pattern;
    unsigned found;
};

static void match(void *context, const struct machine_image *image, const char *name, gva_t address)
{
    struct matching *x = context;
    char module[RD_ABI_NAME], text[DEBUG_ADDRESS];
    if (fnmatch(x->pattern, name, FNM_CASEFOLD) != 0)
        return;
    symbols_module_name(image, module);
    debug_print(x->d, "%s          %s!%s\n", debug_address(address, text), module, name);
    x->found++;
}

static void examine(struct debugger *d, const char *args)
{
    const char *mark = strchr(args, '!');
    char module[RD_ABI_NAME], pattern[RD_ABI_NAME * 2];
    if (mark == NULL || mark == args || mark[1] == '\0') {
        debug_error(d, "x: expected MODULE!PATTERN");
        return;
    }
    snprintf(pattern, sizeof pattern, "%.*s", (int)(mark - args), args);
    struct matching x = {d, mark + 1, 0};
    for (unsigned i = 0; i < machine_image_count(d->m); i++) {
        const struct machine_image *image = machine_image(d->m, i);
        symbols_module_name(image, module);
        if (fnmatch(pattern, module, FNM_CASEFOLD) == 0)
            symbols_each(d->symbols, image, match, &x);
    }
    if (x.found == 0)
        debug_error(d, "x: no symbol matches '%s'", args);
}

static void modules(struct debugger *d, const char *args)
{
    char start[DEBUG_ADDRESS], end[DEBUG_ADDRESS], module[RD_ABI_NAME];
    const char *pattern = "*";
    if (args[0] == 'm' && args[1] == ' ') /* lm m PATTERN */
        pattern = args + 2 + strspn(args + 2, " ");
    else if (*args != '\0') {
        debug_error(d, "lm: what is '%s'? (lm, lm m PATTERN)", args);
        return;
    }
    debug_print(d, "start             end                 module name\n");
    for (unsigned pass = 0; pass < 2; pass++) {
        bool heading = false;
        for (unsigned i = 0; i < machine_image_count(d->m); i++) {
            const struct machine_image *image = machine_image(d->m, i);
            symbols_module_name(image, module);
            if (image->loaded != (pass == 0) || fnmatch(pattern, module, FNM_CASEFOLD) != 0)
                continue;
            if (pass == 1 && !heading)
                debug_print(d, "\nUnloaded modules:\n");
            heading = true;
            debug_print(d, "%s %s   %s", debug_address(image->base, start), debug_address(image->base + image->size, end),
                        pass == 0 ? module : image->name);
            const char *path = NULL, *source = pass == 0 ? symbols_source(d->symbols, image, &path) : NULL;
            if (source != NULL)
                debug_print(d, "   (%s)  %s", source, path != NULL ? path : "");
            debug_print(d, "\n");
        }
    }
}

static void evaluate(struct debugger *d, const char *args)
{
    uint64_t value;
    char text[DEBUG_ADDRESS];
    if (*args == '\0') {
        debug_error(d, "?: which expression? (.help lists the commands)");
        return;
    }
    if (!debug_eval(d, &args, &value))
        return;
    if (*args != '\0')
        debug_error(d, "Extra character error at '%s'", args);
    else
        debug_print(d, "Evaluate expression: %" PRId64 " = %s\n", (int64_t)value, debug_address(value, text));
}

static void run(struct debugger *d, const char *name, const char *args)
{
    if (strcmp(name, "ln") == 0)
        nearest(d, args);
    else if (strcmp(name, "x") == 0)
        examine(d, args);
    else if (strcmp(name, "?") == 0)
        evaluate(d, args);
    else
        modules(d, args);
}

const struct debug_command debug_command_symbols = {
    .names = "ln x lm ?",
    .syntax = "[ADDRESS | MODULE!PATTERN | EXPRESSION]",
    .help = "nearest names; names like a pattern; modules; evaluate",
    .run = run,
};
