/*
 * !verifier: options and statistics (0), verified drivers (1), their pool (2), and the logs: pool 80, IRPs 100, critical regions
 * 200. On Windows 7 in the old layout, later in the one with [X].
 */
#include <inttypes.h>
#include <string.h>

#include "abi/verifier.h"
#include "debug/layout.h"

#define LOG_LINE "======================================================================\n"

static const struct {
    uint32_t bit;
    bool standard;
    const char *old, *name;
} options[] = {
    {RD_VF_SPECIAL_POOL, true, "Special pool", "Special pool"},
    {RD_VF_FORCE_IRQL, true, "Special irql", "Force IRQL checking"},
    {RD_VF_LOW_RESOURCES, false, "Inject random low-resource API failures", "Randomized low resources simulation"},
    {RD_VF_POOL_TRACKING, true, "All pool allocations checked on unload", "Pool tracking"},
    {RD_VF_IO, true, "Io subsystem checking enabled", "I/O verification"},
    {RD_VF_DEADLOCK, true, "Deadlock detection enabled", "Deadlock detection"},
    {RD_VF_DMA, true, "DMA checking enabled", "DMA checking"},
    {RD_VF_SECURITY, true, "Security checks enabled", "Security checks"},
    {RD_VF_FORCE_PENDING, false, "Force pending I/O requests", "Force pending I/O requests"},
    {RD_VF_IRP_LOGGING, false, "IRP logging", "IRP logging"},
    {RD_VF_MISC, true, "Miscellaneous checks enabled", "Miscellaneous checks"},
    {RD_VF_DDI, true, "DDI compliance checking", "DDI compliance checking"},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

/* Pool of verified drivers (0: all), by the machine's records; [1] is paged. */
struct pool_sum {
    uint64_t allocated[2], current[2], bytes[2];
};

static struct pool_sum sum_pool(struct debugger *d, gva_t owner)
{
    struct pool_sum s = {0};
    struct machine_pool_block b;
    for (unsigned i = 0; i < machine_pool_count(d->m); i++) {
        if (!machine_pool_record(d->m, i, &b) || b.owner == 0 || (owner != 0 && b.owner != owner))
            continue;
        unsigned paged = b.type & 1;
        s.allocated[paged]++;
        if (!b.freed) {
            s.current[paged]++;
            s.bytes[paged] += b.bytes;
        }
    }
    return s;
}

static void print_level_old(struct debugger *d, uint32_t flags)
{
    debug_print(d, "\nVerify Level %x ... enabled options are:\n", flags);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (flags & options[i].bit)
            debug_print(d, "      %s\n", options[i].old);
    struct pool_sum s = sum_pool(d, 0);
    debug_print(d, "\nSummary of All Verifier Statistics\n\n");
    debug_print(d, "Pool Allocations Succeeded             0x%" PRIx64 "\n\n", s.allocated[0] + s.allocated[1]);
    debug_print(d, "Current paged pool allocations         0x%" PRIx64 " for %08" PRIX64 " bytes\n", s.current[1], s.bytes[1]);
    debug_print(d, "Current nonpaged pool allocations      0x%" PRIx64 " for %08" PRIX64 " bytes\n", s.current[0], s.bytes[0]);
}

static void print_level_new(struct debugger *d, uint32_t flags)
{
    debug_print(d, "\nVerify Flags Level 0x%08x\n\n  STANDARD FLAGS:\n    [%c] (0x00000000) Automatic Checks\n", flags, flags ? 'X' : ' ');
    for (unsigned standard = 1; standard < 2; standard--) {
        if (!standard)
            debug_print(d, "\n  ADDITIONAL FLAGS:\n");
        for (size_t i = 0; i < OPTION_COUNT; i++)
            if (options[i].standard == standard)
                debug_print(d, "    [%c] (0x%08x) %s\n", flags & options[i].bit ? 'X' : ' ', options[i].bit, options[i].name);
    }
    debug_print(d, "\n    [X] Indicates flag is enabled\n\n\n");
    struct pool_sum s = sum_pool(d, 0);
    debug_print(d, "Summary of All Verifier Statistics\n\n  Pool Allocation Statistics: ( NonPagedPool / PagedPool )\n\n");
    debug_print(d, "    Current Pool Allocations:   ( 0x%08" PRIx64 " / 0x%08" PRIx64 " )\n", s.current[0], s.current[1]);
    debug_print(d, "    Current Pool Bytes:         ( 0x%08" PRIx64 " / 0x%08" PRIx64 " )\n", s.bytes[0], s.bytes[1]);
}

static void tag_text(uint32_t tag, char out[5])
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(tag >> (8 * i));
        out[i] = c >= 0x20 && c < 0x7F ? c : '.';
    }
    out[4] = '\0';
}

static void print_pool_table(struct debugger *d, gva_t owner, bool old)
{
    struct machine_pool_block b;
    char tag[5], symbol[DEBUG_SYMBOL];
    bool any = false;
    for (unsigned i = 0; i < machine_pool_count(d->m); i++) {
        if (!machine_pool_record(d->m, i, &b) || b.owner != owner || b.freed)
            continue;
        if (!any)
            debug_print(d, old ? "\n    PoolAddress       SizeInBytes    Tag       CallersAddress\n"
                               : "\n    Address             Length      Tag   Caller\n");
        any = true;
        tag_text(b.tag, tag);
        debug_print(d, "    %016" PRIx64 "  0x%08" PRIx64 "     %s      %s\n", b.address, b.bytes, tag,
                    debug_symbol_return(d, b.allocated_by, symbol));
    }
}

static void print_drivers(struct debugger *d, bool old, bool pool, const char *filter)
{
    gva_t at;
    char name[80];
    struct list l = list_open(d, layout_variable(d, "nt", "VfDriverList"));
    debug_print(d, old ? "\nDriver Verification List\n\nEntry             State           NonPagedPool   PagedPool   Module\n\n"
                       : "\nDriver Verification List\n------------------------\n");
    while (list_next(&l, layout_offset(d, "VF_DRIVER", "Links"), &at)) {
        struct object o = object_open(d, "VF_DRIVER", at);
        const char *state = object_get(&o, "Unloaded") ? "Unloaded" : "Loaded";
        struct pool_sum s = sum_pool(d, at);
        object_text(&o, "Name", name, sizeof name);
        if (*filter != '\0' && strstr(name, filter) == NULL)
            continue;
        if (old) {
            debug_print(d, "%016" PRIx64 "  %-15s %08" PRIx64 "       %08" PRIx64 "    %s\n", at, state, s.bytes[0], s.bytes[1], name);
        } else {
            debug_print(d, "\nMODULE: 0x%016" PRIx64 " %s (%s)\n\n  Pool Allocation Statistics: ( NonPagedPool / PagedPool )\n\n", at, name, state);
            debug_print(d, "    Current Pool Allocations:   ( 0x%08" PRIx64 " / 0x%08" PRIx64 " )\n", s.current[0], s.current[1]);
            debug_print(d, "    Current Pool Bytes:         ( 0x%08" PRIx64 " / 0x%08" PRIx64 " )\n", s.bytes[0], s.bytes[1]);
        }
        if (pool)
            print_pool_table(d, at, old);
    }
}

/* exact: the first frame is an instruction, not a return address. */
static void print_frames(struct debugger *d, const uint64_t *frames, unsigned count, bool exact)
{
    char symbol[DEBUG_SYMBOL];
    for (unsigned i = 0; i < count && frames[i] != 0; i++)
        debug_print(d, "%016" PRIx64 " %s\n", frames[i],
                    exact && i == 0 ? debug_symbol(d, frames[i], symbol) : debug_symbol_return(d, frames[i], symbol));
}

/* Newest first, as in the seed's screen. */
static void print_regions(struct debugger *d, uint64_t thread)
{
    struct rd_region_log log;
    gva_t at = layout_variable(d, "nt", "VfCriticalRegionLog");
    if (at == 0 || !debug_read(d, at, &log, sizeof log)) {
        debug_error(d, "The critical-region log is not readable");
        return;
    }
    uint64_t count = log.total < RD_VF_REGION_RECORDS ? log.total : RD_VF_REGION_RECORDS, shown = 0;
    debug_print(d, "\nEnter/Leave Critical Region log:\nThere are up to 0x%x entries in the log.\n\n", RD_VF_REGION_RECORDS);
    if (thread == 0)
        debug_print(d, count > 0 ? "Displaying all the log entries.\n\n" : "The log is empty.\n");
    else
        debug_print(d, "Displaying the log entries of thread %016" PRIx64 ".\n\n", thread);
    for (uint64_t age = 1; age <= count; age++) {
        const struct rd_region_record *r = &log.records[(log.total - age) % RD_VF_REGION_RECORDS];
        if (thread != 0 && r->thread != thread)
            continue;
        shown++;
        debug_print(d, LOG_LINE "Thread %016" PRIx64 "\n", r->thread);
        print_frames(d, r->frames, RD_VF_REGION_FRAMES, true);
    }
    if (thread != 0 && shown == 0)
        debug_print(d, "The thread is not in the log.\n");
}

static void print_irps(struct debugger *d, uint64_t irp)
{
    struct rd_irp_log log;
    gva_t at = layout_variable(d, "nt", "VfIrpLog");
    unsigned shown = 0;
    if (at == 0 || !debug_read(d, at, &log, sizeof log)) {
        debug_error(d, "The IRP log is not readable");
        return;
    }
    debug_print(d, "\nIRP log:\nThere are up to 0x%x entries in the log of each device.\n\n", RD_VF_IRP_RECORDS);
    for (unsigned i = 0; i < RD_VF_IRP_DEVICES && log.devices[i].device != 0; i++) {
        const struct rd_irp_ring *ring = &log.devices[i];
        uint64_t count = ring->total < RD_VF_IRP_RECORDS ? ring->total : RD_VF_IRP_RECORDS;
        for (uint64_t age = 1; age <= count; age++) {
            const struct rd_irp_record *r = &ring->records[(ring->total - age) % RD_VF_IRP_RECORDS];
            if (irp != 0 && r->irp != irp)
                continue;
            shown++;
            debug_print(d, LOG_LINE "IRP %016" PRIx64 " %s.%x to device %016" PRIx64 "\nThread %016" PRIx64 "\n", r->irp,
                        kernel_major_name(r->major), r->minor, ring->device, r->thread);
            print_frames(d, &r->caller, 1, false);
        }
    }
    if (shown == 0)
        debug_print(d, "The log is empty.\n");
    if (log.dropped > 0)
        debug_print(d, "(%" PRIu64 " IRPs to other devices were not logged)\n", log.dropped);
}

static void print_pool_log(struct debugger *d, uint64_t address)
{
    struct machine_pool_block b;
    unsigned count = machine_pool_count(d->m), shown = 0;
    debug_print(d, "\nLog of recent kernel pool Allocate and Free operations:\n\n");
    debug_print(d, "Parsing 0x%x log entries, searching for address 0x%016" PRIx64 ".\n\n", count, address);
    for (unsigned i = count; i-- > 0;) {
        if (!machine_pool_record(d->m, i, &b) || (address != 0 && address - b.address >= (b.bytes ? b.bytes : 1)))
            continue;
        shown++;
        if (b.freed) {
            debug_print(d, LOG_LINE "Pool block %016" PRIx64 ", Size %08" PRIx64 ", freed on processor %x\n", b.address, b.bytes, b.cpu_freed);
            print_frames(d, &b.freed_by, 1, false);
        }
        debug_print(d, LOG_LINE "Pool block %016" PRIx64 ", Size %08" PRIx64 ", allocated on processor %x\n", b.address, b.bytes,
                    b.cpu_allocated);
        print_frames(d, &b.allocated_by, 1, false);
    }
    if (shown == 0)
        debug_print(d, "No block holds the address.\n");
}

static void run(struct debugger *d, const char *name, const char *args)
{
    struct rd_loader_block block;
    uint64_t what = 0, which = 0;
    (void)name;
    if (!debug_read(d, RD_LOADER_BLOCK, &block, sizeof block)) {
        debug_error(d, "The loader block is not readable");
        return;
    }
    if (!debug_eval_optional(d, &args, &what))
        return;
    uint32_t flags = (uint32_t)block.verifier_flags;
    bool old = block.os == RD_OS_WIN7, log = what >= 0x10;
    if (log && !debug_eval_optional(d, &args, &which))
        return;
    if (what == 0x200 && !(flags & RD_VF_MISC))
        debug_error(d, "No critical-region log: miscellaneous checks (0x800) are not enabled");
    else if (what == 0x200)
        print_regions(d, which);
    else if ((what == 0x100 || what == 0x400) && !(flags & RD_VF_IRP_LOGGING))
        debug_error(d, "No IRP log: IRP logging (0x400) is not enabled");
    else if (what == 0x100 || what == 0x400)
        print_irps(d, which);
    else if (what == 0x80)
        print_pool_log(d, which);
    else if (what > 3)
        debug_error(d, "!verifier %" PRIx64 ": there is no such log here", what);
    else if (flags == 0 && layout_variable(d, "nt", "VfDriverList") != 0 && what == 0)
        debug_print(d, "\nVerify Level 0 ... Driver Verifier is not enabled\n");
    else {
        if (old)
            print_level_old(d, flags);
        else
            print_level_new(d, flags);
        if (what != 0)
            print_drivers(d, old, (what & 2) != 0, args);
    }
}

const struct debug_command debug_command_verifier = {
    .names = "!verifier",
    .syntax = "[1 | 2 | 3 [IMAGE] | 80 [ADDRESS] | 100 [IRP] | 200 [THREAD]]",
    .help = "Driver Verifier: options; drivers, their pool; the logs of pool, IRPs and critical regions",
    .run = run,
};
