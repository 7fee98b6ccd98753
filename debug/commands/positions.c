/* !tt, !positions, !whowrote: places in the execution. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "debug/debugger.h"
#include "debug/timeline.h"
#include "machine/arena.h"

#define WATCHED_MAX 4096u

static bool hex(const char **p, uint64_t *out)
{
    char *end;
    if (!((**p >= '0' && **p <= '9') || (**p >= 'a' && **p <= 'f') || (**p >= 'A' && **p <= 'F')))
        return false;
    *out = strtoull(*p, &end, 16);
    *p = end;
    return true;
}

/* "12:3F" is a position, "50" a percentage of all instructions. */
static void travel(struct debugger *d, const char *args)
{
    struct timeline_position to;
    const char *p = args;
    if (*args == '\0') {
        struct timeline_position now = timeline_now(d->timeline);
        debug_print(d, "Time Travel Position: %" PRIX64 ":%" PRIX64 "\n", now.step, now.n);
        return;
    }
    if (strchr(args, ':') != NULL) {
        if (!hex(&p, &to.step) || *p++ != ':' || !hex(&p, &to.n) || *p != '\0') {
            debug_error(d, "!tt: no position: '%s'", args);
            return;
        }
        if (timeline_compare(to, timeline_end(d->timeline)) > 0 || to.n > timeline_retired(d->timeline, to.step)) {
            debug_error(d, "!tt: there is no position %s", args);
            return;
        }
    } else {
        char *end;
        double percent = strtod(args, &end);
        if (end == args || (*end != '\0' && strcmp(end, "%") != 0) || !(percent >= 0 && percent <= 100)) {
            debug_error(d, "!tt: neither a position (STEP:N) nor a percentage: '%s'", args);
            return;
        }
        uint64_t all = timeline_instructions(d->timeline, timeline_end(d->timeline));
        to = percent >= 100 ? timeline_end(d->timeline)
                            : timeline_find(d->timeline, (uint64_t)((double)all * percent / 100));
    }
    timeline_goto(d->timeline, to);
    debug_arrived(d);
}

static void positions(struct debugger *d)
{
    const struct timeline *t = d->timeline;
    struct timeline_position now = timeline_now(t), end = timeline_end(t), first = {timeline_boot_steps(t), 0};
    debug_print(d, "%-12s %-12s %s\n", "Position", "Instructions", "");
    debug_print(d, "%-12s %-12u %s\n", "0:0", 0u, "the kernel's first instruction; drivers are loaded while it boots");
    debug_print(d, "%" PRIX64 ":%-10" PRIX64 " %-12" PRIu64 " the scenario's threads begin\n", first.step, first.n,
                timeline_instructions(t, first));
    debug_print(d, "%" PRIX64 ":%-10" PRIX64 " %-12" PRIu64 " the violation\n", end.step, end.n,
                timeline_instructions(t, end));
    debug_print(d, ">%" PRIX64 ":%-9" PRIX64 " %-12" PRIu64 " here\n", now.step, now.n, timeline_instructions(t, now));
    for (unsigned i = 0; i < machine_thread_count(d->m); i++) {
        struct rd_thread r;
        if (!machine_thread(d->m, i, &r) || (i < RD_MAX_CPUS && strcmp(r.name, "idle") == 0))
            continue;
        /* Where its processor goes on from here. */
        uint64_t s = now.step + (timeline_cpu(t, now.step) != r.cpu);
        while (s < timeline_step_count(t) && (timeline_cpu(t, s) != r.cpu || timeline_retired(t, s) == 0))
            s++;
        debug_print(d, "%3u  %016" PRIx64 "  %-24.24s ", i, r.kthread, r.name);
        if (s < timeline_step_count(t))
            debug_print(d, "processor %u, next step %" PRIX64 ":0\n", r.cpu, s);
        else
            debug_print(d, "processor %u, no further step\n", r.cpu);
    }
}

/* --- who wrote -------------------------------------------------------------------------------- */

struct writer {
    struct debugger *d;
    gva_t address;
    uint64_t size;
    unsigned cpu; /* that was asked about */
    uint8_t before[WATCHED_MAX];
    bool writing;  /* the instruction at `asked` is about to write there */
    bool known;    /* something has been asked since the stretch began, at `asked` */
    enum { BY_OPERAND, BY_MACHINE_BEHIND, BY_MACHINE_BEFORE } how;
    struct timeline_position asked, place;
    struct timeline_position latest; /* of the instruction before the change was seen */
};

static void begin_stretch(void *context)
{
    struct writer *w = context;
    memcpy(w->before, arena_host(w->address), w->size);
    w->writing = w->known = false;
}

static bool is_about(const struct writer *w, gva_t address, uint64_t size)
{
    return address < w->address + w->size && w->address < address + size;
}

/* The latest store to the memory that waits in the processor's buffer. */
static bool waiting_store(const struct writer *w, unsigned cpu, struct machine_store *out)
{
    struct machine_store stores[MACHINE_STORES];
    for (unsigned i = machine_stores(w->d->m, cpu, stores); i-- > 0;)
        if (is_about(w, stores[i].address, stores[i].size)) {
            *out = stores[i];
            return true;
        }
    return false;
}

/* Has the instruction of the latest question written there? What it has not by its operands the machine did: for it, a
 * hypercall; or, when a step has ended since, in front of the next instruction: an interrupt's frame, a store that left its
 * buffer. A store that waits there has not been written. An instruction that faulted is asked about again where it stands. */
static bool has_written(void *context, struct timeline_position at)
{
    struct writer *w = context;
    const uint8_t *now = arena_host(w->address);
    bool changed = memcmp(w->before, now, w->size) != 0;
    struct machine_store waits;
    bool wrote = w->known && w->writing && timeline_compare(at, w->asked) > 0 && !waiting_store(w, w->cpu, &waits);
    if (changed)
        memcpy(w->before, now, w->size);
    w->writing = false;
    if (!wrote && !changed)
        return false;
    bool before = !wrote && (!w->known || w->asked.step != at.step || w->asked.n == at.n);
    w->how = wrote ? BY_OPERAND : before ? BY_MACHINE_BEFORE : BY_MACHINE_BEHIND;
    w->place = before ? at : w->asked;
    w->latest = w->known ? w->asked : at;
    return true;
}

static bool look(void *context, unsigned cpu, struct timeline_position at)
{
    struct writer *w = context;
    struct debug_access accesses[DEBUG_ACCESSES];
    bool found = has_written(w, at);
    unsigned count = debug_accesses(w->d, machine_cpu(w->d->m, cpu), accesses);
    for (unsigned i = 0; i < count; i++)
        w->writing |= accesses[i].write && is_about(w, accesses[i].address, accesses[i].size);
    w->asked = at;
    w->cpu = cpu;
    w->known = true;
    return found;
}

static void print_code(struct debugger *d, gva_t pc)
{
    char text[DEBUG_ADDRESS], line[640];
    struct symbol y, inlined[INLINE_MAX];
    unsigned count = symbols_inlined(d->symbols, pc, inlined);
    for (unsigned i = 0; i < count; i++) {
        symbol_text(&inlined[i], line, sizeof line);
        debug_print(d, "(Inline Function) %s\n", line);
    }
    symbols_find(d->symbols, pc, false, &y);
    if (y.module[0] != '\0')
        symbol_text(&y, line, sizeof line);
    else
        debug_address(pc, line);
    debug_print(d, "%s:\n", line);
    if (debug_disassemble(d, pc, line, sizeof line) != 0)
        debug_print(d, "%s %s\n", debug_address(pc, text), line);
}

/* The store that left its buffer and so wrote there: in a step of its own between the latest instruction and the place, else while
 * a fence or the kernel emptied the buffer for that instruction. The machine then stands in front of that. */
static bool find_store(struct writer *w, struct machine_store *out)
{
    struct timeline *t = w->d->timeline;
    struct timeline_position place = timeline_now(t), at = {place.step, 0};
    for (; w->how == BY_MACHINE_BEFORE && at.step > w->latest.step; at.step--) {
        struct machine_store stores[MACHINE_STORES];
        if (!timeline_is_store(t, at.step))
            continue;
        timeline_goto(t, at);
        if (machine_stores(w->d->m, timeline_cpu(t, at.step), stores) > 0 && is_about(w, stores[0].address, stores[0].size)) {
            *out = stores[0];
            return true;
        }
    }
    timeline_goto(t, w->latest);
    if (waiting_store(w, timeline_cpu(t, w->latest.step), out))
        return true;
    timeline_goto(t, place);
    return false;
}

/* The place stands in front of the instruction, as every position does: `t` there executes it. */
static void print_writer(struct debugger *d, struct writer *w)
{
    static const char *const how[] = {"", ", by the machine behind this instruction", ", by the machine in front of this instruction"};
    struct machine_store store;
    bool left = w->how != BY_OPERAND && find_store(w, &store);
    struct timeline_position at = timeline_now(d->timeline);
    struct rd_thread r = {.name = ""};
    debug_context_cpu(d, timeline_cpu(d->timeline, at.step));
    machine_thread(d->m, d->thread, &r);
    debug_print(d, "Position %" PRIX64 ":%" PRIX64 ", processor %u, thread %016" PRIx64 " %s%s\n", at.step, at.n, d->cpu,
                r.kthread, r.name, left ? ", whose store becomes visible here" : how[w->how]);
    print_code(d, left ? store.pc : d->regs.rip);
    debug_print(d, "Go there: !tt %" PRIX64 ":%" PRIX64 "\n", at.step, at.n);
}

/* /e: looks at every instruction, without the pages' dirty bytes; the answer is the same. */
static void who_wrote(struct debugger *d, const char *args)
{
    uint64_t address = 0, size = 1;
    char text[DEBUG_ADDRESS];
    bool every = strncmp(args, "/e", 2) == 0 && (args[2] == ' ' || args[2] == '\0');
    if (every)
        args += 2 + strspn(args + 2, " ");
    if (*args == '\0') {
        debug_error(d, "!whowrote: which address?");
        return;
    }
    if (!debug_eval(d, &args, &address) || (!debug_count(d, &args, &size) && d->failed) ||
        !debug_eval_optional(d, &args, &size))
        return;
    if (size == 0 || size > WATCHED_MAX || !arena_contains(address, size)) {
        debug_error(d, "!whowrote: no such memory: %s", debug_address(address, text));
        return;
    }
    struct timeline_position now = timeline_now(d->timeline);
    unsigned thread = d->thread, frame = d->frame;
    struct writer w = {.d = d, .address = address, .size = size};
    struct timeline_range range = {address, size};
    struct timeline_search s = {.hit = look, .context = &w, .each = true, .written = &range, .written_count = every ? 0 : 1,
                                .begin = begin_stretch, .end = has_written, .place = &w.place};
    struct machine_store waits;
    for (unsigned cpu = 0; cpu < machine_cpu_count(d->m); cpu++)
        if (waiting_store(&w, cpu, &waits))
            debug_print(d, "A store of processor %u to it waits to become visible (!stores)\n", cpu);
    if (timeline_backward(d->timeline, &s))
        print_writer(d, &w);
    else
        debug_print(d, "Nobody wrote %s before now\n", debug_address(address, text));
    timeline_goto(d->timeline, now);
    if (!debug_context_thread(d, thread))
        debug_context_cpu(d, timeline_cpu(d->timeline, now.step));
    debug_context_frame(d, frame);
}

/* Equal states, equal hashes: of memory, registers and time. */
static void state_hash(struct debugger *d)
{
    char text[HASH_TEXT];
    hash_text(machine_state_hash(d->m), text);
    debug_print(d, "State %s, %" PRIu64 " repairs\n", text, timeline_repairs(d->timeline));
}

static double now_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* What jumps cost: N of them, to places that a fixed sequence chooses. Comes back to where it was. */
static void jumps(struct debugger *d, const char *args)
{
    uint64_t count = 20, at = 1;
    if (!debug_eval_optional(d, &args, &count))
        return;
    if (count == 0 || count > 10000) {
        debug_error(d, "!jumps: from 1 to 0n10000");
        return;
    }
    struct timeline_position before = timeline_now(d->timeline);
    uint64_t all = timeline_instructions(d->timeline, timeline_end(d->timeline));
    struct hash128 hash = machine_state_hash(d->m);
    double *times = calloc(count, sizeof *times), *used = calloc(count, sizeof *used); /* on the clock, by the processor */
    RD_ASSERT(times != NULL && used != NULL);
    for (uint64_t i = 0; i < count; i++) {
        at = at * 6364136223846793005ull + 1442695040888963407ull;
        double begin = now_ms(CLOCK_MONOTONIC), began = now_ms(CLOCK_PROCESS_CPUTIME_ID);
        timeline_goto(d->timeline, timeline_find(d->timeline, (at >> 16) % (all + 1)));
        times[i] = now_ms(CLOCK_MONOTONIC) - begin;
        used[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - began;
    }
    timeline_goto(d->timeline, before);
    qsort(times, count, sizeof *times, by_size);
    qsort(used, count, sizeof *used, by_size);
    debug_print(d, "%" PRIu64 " jumps in %" PRIu64 " instructions, %zu checkpoints: median %.1f ms (%.1f ms of the processor), worst %.1f ms; %s\n", count, all,
                timeline_checkpoints(d->timeline), times[count / 2], used[count / 2], times[count - 1],
                hash_equal(hash, machine_state_hash(d->m)) ? "the same state again" : "ANOTHER STATE");
    free(times);
    free(used);
}

static void run(struct debugger *d, const char *name, const char *args)
{
    if (d->timeline == NULL)
        debug_error(d, "There is no execution to move through");
    else if (strcmp(name, "!tt") == 0)
        travel(d, args);
    else if (strcmp(name, "!positions") == 0)
        positions(d);
    else if (strcmp(name, "!jumps") == 0)
        jumps(d, args);
    else if (strcmp(name, "!hash") == 0)
        state_hash(d);
    else
        who_wrote(d, args);
}

const struct debug_command debug_command_positions = {
    .names = "!tt !positions !whowrote !hash !jumps",
    .syntax = "[STEP:N | PERCENT | [/e] ADDRESS [lN]]",
    .help = "travel to a position; list positions; who wrote this memory last before now; the state's hash; time jumps",
    .run = run,
};
