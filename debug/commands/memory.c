/* dq dd dw db, dps, da du: memory. */
#include <inttypes.h>
#include <string.h>

#include "debug/debugger.h"

#define LIMIT 0x10000u

/* "0000000000000000" or "????????" of one element. */
static void element(struct debugger *d, gva_t a, unsigned size)
{
    uint64_t value = 0;
    char text[DEBUG_ADDRESS];
    if (!debug_read(d, a, &value, size))
        debug_print(d, "%s", size == 8 ? "????????`????????" : size == 4 ? "????????" : size == 2 ? "????" : "??");
    else if (size == 8)
        debug_print(d, "%s", debug_address(value, text));
    else
        debug_print(d, "%0*" PRIx64, (int)(2 * size), value);
}

static void numbers(struct debugger *d, gva_t a, uint64_t count, unsigned size)
{
    unsigned row = size == 8 ? 2 : 16 / size;
    char text[DEBUG_ADDRESS];
    for (uint64_t i = 0; i < count; i += row) {
        gva_t at = a + i * size;
        debug_print(d, "%s ", debug_address(at, text));
        for (unsigned k = 0; k < row && i + k < count; k++) {
            debug_print(d, "%s", size == 1 ? k == 8 ? "-" : " " : " ");
            element(d, at + k * size, size);
        }
        if (size == 1) {
            uint64_t here = count - i < row ? count - i : row;
            debug_print(d, "%*s  ", (int)(3 * (row - here)), "");
            for (unsigned k = 0; k < here; k++) {
                uint8_t c;
                debug_print(d, "%c", !debug_read8(d, at + k, &c) ? '?' : c >= 32 && c < 127 ? c : '.');
            }
        }
        debug_print(d, "\n");
    }
}

static void pointers(struct debugger *d, gva_t a, uint64_t count)
{
    char at[DEBUG_ADDRESS], text[DEBUG_ADDRESS], symbol[DEBUG_SYMBOL];
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value;
        if (!debug_read64(d, a + 8 * i, &value)) {
            debug_print(d, "%s  ????????`????????\n", debug_address(a + 8 * i, at));
            continue;
        }
        bool named = machine_image_at(d->m, value) != NULL;
        debug_print(d, "%s  %s%s%s\n", debug_address(a + 8 * i, at), debug_address(value, text), named ? " " : "",
                    named ? debug_symbol(d, value, symbol) : "");
    }
}

static void text_at(struct debugger *d, gva_t a, uint64_t count, unsigned unit)
{
    char address[DEBUG_ADDRESS];
    uint16_t c = 0;
    if (!debug_read(d, a, &c, unit)) {
        debug_print(d, "%s  \"????????\"\n", debug_address(a, address));
        return;
    }
    debug_print(d, "%s  \"", debug_address(a, address));
    for (uint64_t i = 0; i < count; i++) {
        c = 0;
        if (!debug_read(d, a + i * unit, &c, unit) || c == 0)
            break;
        debug_print(d, "%c", c >= 32 && c < 127 ? (char)c : '.');
    }
    debug_print(d, "\"\n");
}

static void run(struct debugger *d, const char *name, const char *args)
{
    static const struct {
        const char *name;
        unsigned size;
        uint64_t count;
    } kinds[] = {{"dq", 8, 16}, {"dp", 8, 16}, {"dd", 4, 32}, {"dw", 2, 64}, {"db", 1, 128}, {"dps", 8, 16}, {"dqs", 8, 16},
                 {"da", 1, 256}, {"du", 2, 256}};
    unsigned k = 0;
    while (strcmp(kinds[k].name, name) != 0)
        k++;
    uint64_t a = d->next_data, count = kinds[k].count;
    if (*args != '\0' && !debug_eval(d, &args, &a))
        return;
    if (!debug_count(d, &args, &count) && d->failed)
        return;
    if (*args != '\0' || count > LIMIT) {
        debug_error(d, "%s: what is '%s'?", name, *args != '\0' ? args : "that count");
        return;
    }
    if (name[2] == 's')
        pointers(d, a, count);
    else if (name[1] == 'a' || name[1] == 'u')
        text_at(d, a, count, kinds[k].size);
    else
        numbers(d, a, count, kinds[k].size);
    d->next_data = a + count * kinds[k].size;
}

const struct debug_command debug_command_memory = {
    .names = "dq dp dd dw db dps dqs da du",
    .syntax = "[ADDRESS] [lN]",
    .help = "memory as numbers, as pointers with symbols (dps), as text (da, du)",
    .run = run,
};
