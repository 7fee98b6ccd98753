/*
 * gdb's moves through the execution. A step is of a thread: what the others do before its next instruction happens as it was
 * decided, and may meet a breakpoint. A data breakpoint stops behind the access when going forwards and in front of it when
 * going backwards, which is what gdb expects of both directions. ("Reverse Execution", "Stop Reply Packets" in gdb's manual.)
 */
#include <inttypes.h>

#include "debug/gdb_internal.h"
#include "debug/timeline.h"

#define INTERRUPT_QUESTIONS 4096u

struct run {
    struct gdb *g;
    bool back, stepping, watching, interrupted, hit;
    bool looking;             /* every instruction is asked about */
    gva_t kthread;            /* stepping: stop in front of its instructions; 0: of the processor's below */
    unsigned cpu;             /* stepping, where no thread runs yet */
    unsigned hit_cpu;
    const struct gdb_point *point;   /* that was met */
    const struct gdb_point *pending; /* whose access is under way, at pending_at */
    unsigned pending_cpu;
    struct timeline_position pending_at;
    gva_t accessed, pending_accessed;
};

static gva_t current_thread(const struct gdb *g, unsigned cpu)
{
    gva_t kthread = 0;
    const struct vcpu *c = machine_cpu(g->d->m, cpu);
    if (c == NULL || c->pcr == 0 || !debug_read64(g->d, c->pcr + RD_PCR_CURRENT_THREAD, &kthread))
        return 0;
    return kthread;
}

static bool watches(const struct gdb_point *p, const struct debug_access *a)
{
    if (p->kind < GDB_WRITE || a->address >= p->address + p->size || p->address >= a->address + a->size)
        return false;
    return p->kind == GDB_ACCESS || (p->kind == GDB_WRITE ? a->write : a->read);
}

static bool found(struct run *r, unsigned cpu, const struct gdb_point *point, gva_t accessed)
{
    r->hit = true;
    r->hit_cpu = cpu;
    r->point = point;
    r->accessed = accessed;
    return true;
}

static void begin_looking(void *context)
{
    struct run *r = context;
    r->pending = NULL;
    r->looking = true;
}

/* Forwards: has the access under way happened? An instruction that faulted is asked about again where it stands. */
static bool has_accessed(struct run *r, struct timeline_position at)
{
    const struct gdb_point *p = r->pending;
    r->pending = NULL;
    return p != NULL && timeline_compare(at, r->pending_at) > 0 && found(r, r->pending_cpu, p, r->pending_accessed);
}

static bool end_looking(void *context, struct timeline_position at)
{
    struct run *r = context;
    r->looking = false;
    return has_accessed(r, at);
}

static bool at_data(struct run *r, unsigned cpu, struct timeline_position now)
{
    struct debug_access accesses[DEBUG_ACCESSES];
    if (has_accessed(r, now))
        return true;
    unsigned count = debug_accesses(r->g->d, machine_cpu(r->g->d->m, cpu), accesses);
    for (unsigned i = 0; i < r->g->point_count; i++)
        for (unsigned k = 0; k < count; k++) {
            const struct gdb_point *p = &r->g->points[i];
            if (!watches(p, &accesses[k]))
                continue;
            gva_t at = accesses[k].address > p->address ? accesses[k].address : p->address;
            if (r->back)
                return found(r, cpu, p, at);
            r->pending = p;
            r->pending_cpu = cpu;
            r->pending_at = now;
            r->pending_accessed = at;
        }
    return false;
}

static bool arrived(void *context, unsigned cpu, struct timeline_position at)
{
    struct run *r = context;
    struct gdb *g = r->g;
    r->hit = false;
    r->point = NULL;
    if (g->asked++ % INTERRUPT_QUESTIONS == INTERRUPT_QUESTIONS - 1 && g->link.interrupted(g->link.context))
        r->interrupted = true;
    if (r->interrupted)
        return found(r, cpu, NULL, 0);
    if (r->watching && r->looking && at_data(r, cpu, at))
        return true;
    for (unsigned i = 0; i < g->point_count; i++)
        if (g->points[i].kind <= GDB_HARDWARE && g->points[i].address == machine_cpu(g->d->m, cpu)->regs.rip)
            return found(r, cpu, &g->points[i], 0);
    if (r->stepping && (r->kthread != 0 ? current_thread(g, cpu) == r->kthread : cpu == r->cpu))
        return found(r, cpu, NULL, 0);
    return false;
}

static void add_reason(const struct run *r, bool reached, struct str *reply)
{
    static const char *const watch[] = {"swbreak", "hwbreak", "watch", "rwatch", "awatch"};
    str_add(reply, r->interrupted ? "T02" : "T05");
    if (!reached)
        str_addf(reply, "replaylog:%s;", r->back ? "begin" : "end");
    else if (r->point != NULL && r->point->kind <= GDB_HARDWARE)
        str_addf(reply, "%s:;", watch[r->point->kind]);
    else if (r->point != NULL)
        str_addf(reply, "%s:%" PRIx64 ";", watch[r->point->kind], r->accessed);
}

static void add_thread(const struct gdb *g, struct str *reply)
{
    unsigned cpu = gdb_thread_cpu(g, g->here);
    str_addf(reply, "thread:%" PRIx64 ";", g->here);
    if (cpu != ~0u)
        str_addf(reply, "core:%x;", cpu);
}

static void stand(struct gdb *g, unsigned cpu)
{
    const struct violation *v = machine_violation(g->d->m);
    if (timeline_at_end(g->d->timeline) && v != NULL)
        cpu = v->trouble.cpu;
    if (cpu >= machine_cpu_count(g->d->m))
        cpu = 0;
    debug_context_cpu(g->d, cpu);
    g->here = gdb_thread_on(g, cpu);
    g->general = g->here;
    g->stepping = 0;
}

void gdb_arrive(struct gdb *g)
{
    stand(g, timeline_cpu(g->d->timeline, timeline_now(g->d->timeline).step));
}

void gdb_stop_reply(const struct gdb *g, struct str *reply)
{
    str_add(reply, "T05");
    add_thread(g, reply);
}

static void go(struct run *r, struct str *reply)
{
    struct gdb *g = r->g;
    struct timeline *t = g->d->timeline;
    gva_t stops[MACHINE_STOPS];
    struct timeline_range written[GDB_POINTS_MAX];
    unsigned count = 0, written_count = 0;
    bool each = r->stepping;
    for (unsigned i = 0; i < g->point_count; i++) {
        r->watching |= g->points[i].kind >= GDB_WRITE;
        each |= g->points[i].kind > GDB_WRITE; /* only writes leave marks */
        if (g->points[i].kind == GDB_WRITE)
            written[written_count++] = (struct timeline_range){g->points[i].address, g->points[i].size};
        if (g->points[i].kind >= GDB_WRITE)
            continue;
        if (count < MACHINE_STOPS)
            stops[count++] = g->points[i].address;
        else
            each = true;
    }
    struct timeline_search s = {.hit = arrived, .context = r, .each = each || r->watching, .stops = stops, .stop_count = count,
                                .written = written, .written_count = each ? 0 : written_count,
                                .begin = begin_looking, .end = end_looking};
    struct timeline_position now = timeline_now(t);
    bool can = r->back ? now.step > 0 || now.n > 0 : !timeline_at_end(t);
    bool reached = can && (r->back ? timeline_backward(t, &s) : timeline_forward(t, &s));
    now = timeline_now(t);
    /* The search backwards has gone on behind the place: ask there once more, for what it is. */
    if (reached && r->back && !r->interrupted) {
        begin_looking(r);
        arrived(r, timeline_cpu(t, now.step), now);
    }
    stand(g, reached && r->hit && !r->back ? r->hit_cpu : timeline_cpu(t, now.step));
    add_reason(r, reached, reply);
    add_thread(g, reply);
}

void gdb_continue(struct gdb *g, bool back, struct str *reply)
{
    go(&(struct run){.g = g, .back = back}, reply);
}

void gdb_step(struct gdb *g, uint64_t thread, bool back, struct str *reply)
{
    struct run r = {.g = g, .back = back, .stepping = true};
    struct timeline *t = g->d->timeline;
    struct timeline_position now = timeline_now(t);
    unsigned cpu = gdb_thread_cpu(g, thread);
    r.cpu = cpu != ~0u ? cpu : timeline_cpu(t, now.step);
    if (cpu != ~0u) {
        r.kthread = current_thread(g, cpu);
    } else {
        struct rd_thread other;
        if (machine_thread(g->d->m, gdb_thread_index(g, thread), &other))
            r.kthread = other.kthread;
    }
    /* Mostly the instruction before is the thread's own, and is found without a search. */
    if (back && cpu != ~0u && g->point_count == 0) {
        struct timeline_position before = timeline_previous(t, cpu, now);
        if (timeline_compare(before, now) != 0) {
            timeline_goto(t, before);
            if (r.kthread == 0 || current_thread(g, cpu) == r.kthread) {
                stand(g, cpu);
                add_reason(&r, true, reply);
                add_thread(g, reply);
                return;
            }
            timeline_goto(t, now);
        }
    }
    go(&r, reply);
}
