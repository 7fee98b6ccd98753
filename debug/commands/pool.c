/*
 * !pool: the block that holds an address and its neighbours on the page. Blocks are never reused within a run, so a freed one still
 * says who had it and who freed it.
 */
#include <inttypes.h>
#include <string.h>

#include "debug/layout.h"

static void print_block(struct debugger *d, const struct machine_pool_block *b, bool chosen)
{
    char tag[5], symbol[DEBUG_SYMBOL];
    for (int i = 0; i < 4; i++) {
        char c = (char)(b->tag >> (8 * i));
        tag[i] = c >= 0x20 && c < 0x7F ? c : '.';
    }
    tag[4] = '\0';
    debug_print(d, "%c%016" PRIx64 " size: %4" PRIx64 "  (%s) %s%s%s\n", chosen ? '*' : ' ', b->address, b->bytes,
                b->freed ? "Free" : "Allocated", chosen ? "*" : " ", tag, b->type & 1 ? " (paged)" : "");
    if (!chosen)
        return;
    debug_print(d, "\t\tAllocated on processor %x by %s\n", b->cpu_allocated,
                b->allocated_by != 0 ? debug_symbol_return(d, b->allocated_by, symbol) : "the kernel");
    if (b->freed)
        debug_print(d, "\t\tFreed on processor %x by %s\n", b->cpu_freed,
                    b->freed_by != 0 ? debug_symbol_return(d, b->freed_by, symbol) : "the kernel");
    struct object o = object_open(d, "VF_DRIVER", b->owner);
    char name[80];
    if (b->owner != 0)
        debug_print(d, "\t\tOwning driver : %s (verified)\n", object_text(&o, "Name", name, sizeof name));
}

static void run(struct debugger *d, const char *name, const char *args)
{
    uint64_t at = 0, only = 0;
    struct machine_pool_block own, b;
    char address[DEBUG_ADDRESS];
    (void)name;
    if (*args == '\0') {
        debug_error(d, "!pool: which address?");
        return;
    }
    if (!debug_eval(d, &args, &at) || !debug_eval_optional(d, &args, &only))
        return;
    if (at - RD_POOL_BASE >= RD_POOL_SIZE) {
        debug_error(d, "%s is not in pool", debug_address(at, address));
        return;
    }
    bool found = machine_pool_block(d->m, at, &own);
    debug_print(d, "Pool page %016" PRIx64 " region is Nonpaged pool\n", at);
    if (!found)
        debug_print(d, "No block of this run holds the address\n");
    for (unsigned i = 0; i < machine_pool_count(d->m); i++)
        if (machine_pool_record(d->m, i, &b) && (found && b.address == own.address ? true : !(only & 2) && b.address / RD_PAGE == at / RD_PAGE))
            print_block(d, &b, found && b.address == own.address);
}

const struct debug_command debug_command_pool = {
    .names = "!pool",
    .syntax = "ADDRESS [2]",
    .help = "the pool block that holds an address, who allocated and freed it; 2: without its neighbours",
    .run = run,
};
