/* !apc, !timer, !dpcs: what waits to be delivered, expires, or runs later. */
#include <inttypes.h>
#include <string.h>

#include "debug/layout.h"

static void routine(struct debugger *d, const char *label, gva_t at)
{
    char symbol[DEBUG_SYMBOL];
    if (at == 0)
        return;
    debug_symbol(d, at, symbol);
    debug_print(d, "          %-14s %016" PRIx64 " %s%s\n", label, at, symbol, strchr(symbol, '+') == NULL ? "+0" : "");
}

static void print_kapc(struct debugger *d, gva_t at)
{
    struct object a = object_open(d, "KAPC", at);
    debug_print(d, "        KAPC @ %016" PRIx64 "\n          Type           %" PRIx64 "\n", at, object_get(&a, "Type"));
    routine(d, "KernelRoutine", object_get(&a, "KernelRoutine"));
    routine(d, "RundownRoutine", object_get(&a, "RundownRoutine"));
    routine(d, "NormalRoutine", object_get(&a, "NormalRoutine"));
    if (object_get(&a, "NormalContext") != 0)
        debug_print(d, "          NormalContext  %016" PRIx64 "\n", object_get(&a, "NormalContext"));
    if (a.bad)
        debug_print(d, "          (not readable as a whole)\n");
}

/* *process: whose line has been printed already. */
static unsigned print_queues(struct debugger *d, gva_t kthread, gva_t *process)
{
    static const char *const modes[] = {"KERNEL", "USER"};
    struct object k = object_open(d, "KTHREAD", kthread), e = object_open(d, "ETHREAD", kthread);
    struct object p = object_open(d, "EPROCESS", object_get(&e, "ThreadsProcess"));
    unsigned count = 0;
    for (unsigned mode = 0; mode < 2; mode++) {
        char path[40], image[32];
        gva_t at;
        snprintf(path, sizeof path, "ApcState.ApcListHead[%u]", mode);
        gva_t head = object_field(&k, path);
        struct list l = list_open(d, head);
        for (unsigned n = 0; list_next(&l, layout_offset(d, "KAPC", "ApcListEntry"), &at); n++, count++) {
            if (*process != p.at)
                debug_print(d, "Process %016" PRIx64 " %s\n", p.at, object_text(&p, "ImageFileName", image, sizeof image));
            *process = p.at;
            if (n == 0)
                debug_print(d, "    Thread %016" PRIx64 " ApcStateIndex %" PRIu64 " ApcListHead %016" PRIx64 " [%s]\n", kthread,
                            object_get(&k, "ApcStateIndex"), head, modes[mode]);
            print_kapc(d, at);
        }
    }
    return count;
}

static void command_apc(struct debugger *d, const char *args)
{
    uint64_t at = 0;
    struct rd_thread t;
    unsigned count = 0;
    gva_t process = 0;
    char address[DEBUG_ADDRESS];
    if (strncmp(args, "thre", 4) == 0 || strncmp(args, "proc", 4) == 0)
        args += strcspn(args, " ") + strspn(args + strcspn(args, " "), " ");
    if (!debug_eval_optional(d, &args, &at))
        return;
    if (at != 0 && debug_thread_index(d, at) == DEBUG_NO_THREAD) {
        struct object a = object_open(d, "KAPC", at);
        uint64_t type = object_get(&a, "Type") & 0xFF;
        if (a.bad || type != 0x12)
            debug_error(d, "%s is neither a thread nor an APC", debug_address(at, address));
        else
            print_kapc(d, at);
        return;
    }
    if (at == 0)
        debug_print(d, "*** Enumerating APCs in all processes\n");
    for (unsigned i = 0; i < machine_thread_count(d->m); i++)
        if (machine_thread(d->m, i, &t) && (at == 0 || t.kthread == at) && t.state != RD_THREAD_TERMINATED)
            count += print_queues(d, t.kthread, &process);
    if (count == 0)
        debug_print(d, "No APCs are queued%s\n", at != 0 ? " to this thread" : "");
}

static void command_timer(struct debugger *d)
{
    gva_t at;
    unsigned count = 0;
    char symbol[DEBUG_SYMBOL];
    struct list l = list_open(d, layout_variable(d, "nt", "KiTimerList"));
    debug_print(d, "Dump system timers\n\nTimer             Due (s)         Period (ms)  DPC/thread\n");
    for (; list_next(&l, layout_offset(d, "KTIMER", "TimerListEntry"), &at); count++) {
        struct object t = object_open(d, "KTIMER", at);
        gva_t dpc = object_get(&t, "Dpc");
        debug_print(d, "%016" PRIx64 "  %-14.7f  %-11" PRId64 "  ", at, (double)object_get(&t, "DueTime.QuadPart") / 1e7,
                    (int64_t)object_get(&t, "Period"));
        struct object k = object_open(d, "KDPC", dpc);
        gva_t wait = object_get(&t, "Header.WaitListHead.Flink");
        struct object w = object_open(d, "KWAIT_BLOCK", wait);
        if (dpc != 0)
            debug_print(d, "%s (DPC @ %016" PRIx64 ")", debug_symbol(d, object_get(&k, "DeferredRoutine"), symbol), dpc);
        else if (wait != 0 && wait != object_field(&t, "Header.WaitListHead"))
            debug_print(d, "thread %016" PRIx64, object_get(&w, "Thread"));
        debug_print(d, "%s\n", t.bad ? " (not readable as a whole)" : "");
    }
    debug_print(d, "\nTotal Timers: %u\n", count);
}

static void command_dpcs(struct debugger *d)
{
    unsigned count = 0;
    char symbol[DEBUG_SYMBOL];
    debug_print(d, "CPU Type      KDPC       Function\n");
    for (unsigned cpu = 0; cpu < machine_cpu_count(d->m); cpu++) {
        gva_t prcb, at;
        if (!debug_read64(d, machine_cpu(d->m, cpu)->pcr + RD_PCR_PRCB, &prcb))
            continue;
        struct object p = object_open(d, "KPRCB", prcb);
        gva_t active = object_get(&p, "ActiveDpc");
        if (active != 0 && object_get(&p, "DpcRoutineActive"))
            debug_print(d, "%2x: Running : 0x%016" PRIx64 "\n", cpu, active);
        struct list l = list_open(d, object_field(&p, "DpcListHead"));
        for (; list_next(&l, layout_offset(d, "KDPC", "DpcListEntry"), &at); count++) {
            struct object k = object_open(d, "KDPC", at);
            gva_t function = object_get(&k, "DeferredRoutine");
            debug_print(d, "%2x: Normal  : 0x%016" PRIx64 " 0x%016" PRIx64 " %s\n", cpu, at, function, debug_symbol(d, function, symbol));
        }
    }
    if (count == 0)
        debug_print(d, "No DPCs are queued\n");
}

static void run(struct debugger *d, const char *name, const char *args)
{
    if (strcmp(name, "!apc") == 0)
        command_apc(d, args);
    else if (strcmp(name, "!timer") == 0)
        command_timer(d);
    else
        command_dpcs(d);
}

const struct debug_command debug_command_apc = {
    .names = "!apc !timer !dpcs",
    .syntax = "[THREAD | APC]",
    .help = "queued APCs, of one thread or all; armed timers; queued DPCs",
    .run = run,
};
