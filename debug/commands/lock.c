/*
 * !remlock and !locks: remove locks and executive resources. Windows keeps a list of all resources; here only the
 * verifier's is kept (miscellaneous checks), so `!locks` without an address shows those and what threads wait for.
 */
#include <inttypes.h>
#include <string.h>

#include "debug/facts.h"
#include "debug/layout.h"

#define OWNER_LIMIT 256u
#define TRACKED_RESOURCE 1u

static void print_shadow(struct debugger *d, gva_t lock)
{
    gva_t at;
    gva_t head = layout_variable(d, "nt", "VfRemoveLocks");
    struct list l = list_open(d, head);
    while (head != 0 && list_next(&l, layout_offset(d, "VF_REMOVE_LOCK", "Links"), &at)) {
        struct object s = object_open(d, "VF_REMOVE_LOCK", at);
        if (object_get(&s, "Lock") != lock)
            continue;
        uint64_t count = object_get(&s, "Count");
        debug_print(d, "Verifier's lock      : %016" PRIx64 "\n", at);
        for (uint64_t i = 0; i < count && i < 32; i++) {
            char path[24];
            snprintf(path, sizeof path, "Tags[%" PRIu64 "]", i);
            debug_print(d, "    Acquired with Tag: %016" PRIx64 "\n", object_get(&s, path));
        }
    }
}

static void command_remlock(struct debugger *d, const char *args)
{
    uint64_t at;
    struct rd_thread t;
    char name[RD_ABI_NAME];
    if (*args == '\0') {
        debug_error(d, "!remlock: which one? Give its address");
        return;
    }
    if (!debug_eval(d, &args, &at))
        return;
    struct object o = object_open(d, "IO_REMOVE_LOCK_COMMON_BLOCK", at);
    uint64_t removed = object_get(&o, "Removed");
    int64_t count = (int64_t)object_get(&o, "IoCount");
    if (object_failed(&o, "remove lock"))
        return;
    debug_print(d, "Remove lock %016" PRIx64 "\n", at);
    debug_print(d, "Removed              : %s\n", removed ? "TRUE" : "FALSE");
    /* Every lock starts with a count of its own, which IoReleaseRemoveLockAndWait takes away. */
    debug_print(d, "IoCount              : %" PRId64 " (%" PRId64 " acquired)\n", count, removed ? count : count - 1);
    debug_print(d, "RemoveEvent          : %016" PRIx64 " %s\n", object_field(&o, "RemoveEvent"),
                object_get(&o, "RemoveEvent.Header.SignalState") ? "signaled" : "not signaled");
    print_shadow(d, at);
    struct scene s = debug_scene(d);
    for (unsigned i = 0; i < machine_thread_count(d->m); i++)
        if (machine_thread(d->m, i, &t) && t.state == RD_THREAD_WAITING && t.wait_object == at)
            debug_print(d, "Waits for it         : THREAD %016" PRIx64 " %s\n", t.kthread, fact_thread_name(&s, i, name));
}

static bool print_resource(struct debugger *d, gva_t at)
{
    struct object r = object_open(d, "ERESOURCE", at);
    uint64_t flag = object_get(&r, "Flag"), active = object_get(&r, "ActiveCount");
    gva_t table = object_get(&r, "OwnerTable");
    if (object_failed(&r, "ERESOURCE"))
        return false;
    debug_print(d, "\nResource @ 0x%016" PRIx64 "    %s\n", at,
                active == 0           ? "Available"
                : flag & 0x80         ? "Exclusively owned"
                                      : "Shared owners");
    if (object_get(&r, "ContentionCount") != 0)
        debug_print(d, "    Contention Count = %" PRIu64 "\n", object_get(&r, "ContentionCount"));
    if (object_get(&r, "NumberOfSharedWaiters") != 0)
        debug_print(d, "    NumberOfSharedWaiters = %" PRIu64 "\n", object_get(&r, "NumberOfSharedWaiters"));
    if (object_get(&r, "NumberOfExclusiveWaiters") != 0)
        debug_print(d, "    NumberOfExclusiveWaiters = %" PRIu64 "\n", object_get(&r, "NumberOfExclusiveWaiters"));
    struct object e = object_open(d, "OWNER_ENTRY", object_field(&r, "OwnerEntry"));
    uint64_t size = 0, entry = object_size(&e);
    struct object first = object_open(d, "OWNER_ENTRY", table);
    if (table != 0)
        size = object_get(&first, "TableSize");
    if (object_get(&e, "OwnerCount") != 0 && object_get(&e, "OwnerThread") != 0)
        debug_print(d, "     Threads: %016" PRIx64 "-%02" PRIu64 "<*>\n", object_get(&e, "OwnerThread"), object_get(&e, "OwnerCount"));
    for (uint64_t i = 1; i < size && i < OWNER_LIMIT; i++) {
        e.at = table + i * entry;
        if (object_get(&e, "OwnerCount") != 0 && !e.bad)
            debug_print(d, "     Threads: %016" PRIx64 "-%02" PRIu64 "<*>\n", object_get(&e, "OwnerThread"), object_get(&e, "OwnerCount"));
    }
    return active != 0;
}

static void command_locks(struct debugger *d, const char *args)
{
    uint64_t at = 0, total = 0, held = 0, in_use = 0;
    if (!debug_eval_optional(d, &args, &at))
        return;
    if (at != 0) {
        print_resource(d, at);
        return;
    }
    gva_t table = layout_variable(d, "nt", "VfTracked");
    uint32_t count = 0;
    debug_read32(d, layout_variable(d, "nt", "VfTrackedCount"), &count);
    debug_print(d, "**** DUMP OF ALL RESOURCE OBJECTS ****\n");
    struct object o = object_open(d, "VF_TRACKED", table);
    for (uint32_t i = 0; i < count && i < 65536 && !o.bad; i++) {
        o.at = table + i * object_size(&o);
        in_use = object_get(&o, "Object");
        if (in_use == 0 || object_get(&o, "Kind") != TRACKED_RESOURCE)
            continue;
        total++;
        held += print_resource(d, in_use);
    }
    debug_print(d, "\n%" PRIu64 " total locks, %" PRIu64 " locks currently held\n", total, held);
    if (total == 0)
        debug_print(d, "Resources are listed for drivers verified with miscellaneous checks (0x800); else give an address\n");
}

static void run(struct debugger *d, const char *name, const char *args)
{
    if (strcmp(name, "!remlock") == 0)
        command_remlock(d, args);
    else
        command_locks(d, args);
}

const struct debug_command debug_command_lock = {
    .names = "!locks !remlock",
    .syntax = "[ADDRESS]",
    .help = "executive resources; a remove lock, with its tags when the verifier knows them",
    .run = run,
};
