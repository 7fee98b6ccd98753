/* !stores: what waits in the processors' store buffers (--tso). Memory, as every other command shows it, is what all processors
 * see; the processor itself reads its own stores already. */
#include <inttypes.h>

#include "debug/debugger.h"

static void bytes(struct debugger *d, const struct machine_store *s)
{
    for (uint32_t i = s->size; i-- > 0;) /* as a number is written */
        debug_print(d, "%02x", s->bytes[i]);
}

static void run(struct debugger *d, const char *name, const char *args)
{
    unsigned all = 0;
    if (*args != '\0') {
        debug_error(d, "%s: takes no operand", name);
        return;
    }
    for (unsigned cpu = 0; cpu < machine_cpu_count(d->m); cpu++) {
        struct machine_store stores[MACHINE_STORES];
        unsigned count = machine_stores(d->m, cpu, stores);
        for (unsigned i = 0; i < count; i++) {
            const struct machine_store *s = &stores[i];
            char address[DEBUG_ADDRESS], symbol[DEBUG_SYMBOL], line[640];
            struct symbol y;
            if (all++ == 0)
                debug_print(d, "CPU     Address           Value             Instruction; the oldest store becomes visible first\n");
            debug_print(d, "%3u  %u  %s ", cpu, i, debug_address(s->address, address));
            bytes(d, s);
            symbols_find(d->symbols, s->pc, false, &y);
            symbol_text(&y, line, sizeof line);
            debug_print(d, " to %s by %s\n",
                        debug_data_symbol(d, s->address, false, symbol) ? symbol : address, line);
        }
    }
    if (all == 0)
        debug_print(d, "No store waits: memory is what every processor sees\n");
}

const struct debug_command debug_command_stores = {
    .names = "!stores",
    .syntax = "",
    .help = "stores that wait in their processors' buffers to become visible (checks with --tso)",
    .run = run,
};
