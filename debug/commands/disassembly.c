/* u, uf, ub: instructions from an address on, of a whole function, in front of an address. */
#include <string.h>

#include "debug/debugger.h"
#include "machine/pe/pe.h"

#define LINES 8u
#define LINES_MAX 4096u
#define BACK_MAX 256u

static gva_t line(struct debugger *d, gva_t a)
{
    char text[640], address[DEBUG_ADDRESS];
    unsigned length = debug_disassemble(d, a, text, sizeof text);
    if (length == 0)
        debug_error(d, "%s ??              ???", debug_address(a, address));
    else
        debug_print(d, "%s %s\n", debug_address(a, address), text);
    return length == 0 ? 0 : a + length;
}

/* Lines begin under a heading wherever another function does. */
static gva_t lines(struct debugger *d, gva_t a, uint64_t count, gva_t end)
{
    struct symbol y;
    char last[96] = "", symbol[DEBUG_SYMBOL];
    for (uint64_t i = 0; i < count && a < end; i++) {
        symbols_find(d->symbols, a, false, &y);
        if (i == 0 || (strcmp(last, y.function) != 0 && y.offset == 0))
            debug_print(d, "%s:\n", debug_symbol(d, a, symbol));
        memcpy(last, y.function, sizeof last);
        a = line(d, a);
        if (a == 0)
            break;
    }
    return a;
}

/* Start and end of the function that holds a. */
static bool function_of(struct debugger *d, gva_t a, gva_t *start, gva_t *end)
{
    const struct machine_image *image = machine_image_at(d->m, a);
    struct pe pe;
    struct error ignored = {0};
    struct symbol y;
    uint32_t from, to;
    if (image == NULL || !pe_parse(image->name, image->file, image->file_size, &pe, &ignored))
        return false;
    if (pe_function(&pe, (uint32_t)(a - image->base), &from, &to)) {
        *start = image->base + from;
        *end = image->base + to;
        return true;
    }
    /* A leaf: as far as its name reaches. */
    symbols_find(d->symbols, a, false, &y);
    if (y.function[0] == '\0')
        return false;
    char name[96];
    memcpy(name, y.function, sizeof name);
    *start = a - y.offset;
    for (*end = a + 1; *end - *start < 4096; ++*end) {
        symbols_find(d->symbols, *end, false, &y);
        if (strcmp(name, y.function) != 0 || debug_is_return(d, *end - 1))
            break;
    }
    return true;
}

/* The run of instructions that leads exactly to a and begins furthest back, at most `count` of them: from the start of the
 * function in front of it when that is near. a: there is none. */
static gva_t before(struct debugger *d, gva_t a, uint64_t count)
{
    gva_t from, end;
    char text[640];
    if (!function_of(d, a - 1, &from, &end))
        from = a - 1;
    if (a - from > 65536)
        from = a - BACK_MAX;
    for (; from < a; from++) {
        gva_t starts[LINES_MAX];
        uint64_t n = 0;
        gva_t p = from;
        while (p < a) {
            unsigned length = debug_disassemble(d, p, text, sizeof text);
            if (length == 0)
                break;
            starts[n++ % LINES_MAX] = p;
            p += length;
        }
        if (p == a)
            return starts[(n > count ? n - count : 0) % LINES_MAX];
    }
    return a;
}

/* "l10" alone is a count; "lower!DriverEntry" is a place. */
static bool begins_with_count(const char *args)
{
    size_t digits = *args == 'l' || *args == 'L' ? strspn(args + 1, "?0123456789abcdefABCDEFnty`") : 0;
    return digits > 0 && (args[1 + digits] == '\0' || args[1 + digits] == ' ');
}

static void run(struct debugger *d, const char *name, const char *args)
{
    uint64_t count = LINES, where = strcmp(name, "u") == 0 ? d->next_code : d->frame_regs.rip;
    gva_t start, end;
    if (*args != '\0' && !begins_with_count(args) && !debug_eval(d, &args, &where))
        return;
    if (!debug_count(d, &args, &count) && d->failed)
        return;
    if (*args != '\0' || count > LINES_MAX) {
        debug_error(d, "%s: what is '%s'?", name, args);
        return;
    }
    if (strcmp(name, "uf") == 0) {
        if (!function_of(d, where, &start, &end))
            debug_error(d, "No code symbols at this address");
        else
            lines(d, start, LINES_MAX, end);
    } else if (strcmp(name, "ub") == 0) {
        start = before(d, where, count);
        if (start == where)
            debug_error(d, "ub: no instruction is known to end here");
        else
            lines(d, start, LINES_MAX, where);
    } else {
        gva_t next = lines(d, where, count, ~0ull);
        d->next_code = next != 0 ? next : d->next_code;
    }
}

const struct debug_command debug_command_disassembly = {
    .names = "u uf ub",
    .syntax = "[ADDRESS] [lN]",
    .help = "disassemble: from an address, a whole function, in front of an address",
    .run = run,
};
