/*
 * The watch on every thread's APC disable counts (KTHREAD+0x1C4, +0x1C6). Driver Verifier hooks the imports that
 * change them; a change by inlined code, or by a kernel routine on a driver's behalf, is invisible to it
 * (seed 003). Here the counts' granule carries a shadow code of its own, so each write comes by before it happens,
 * whoever makes it, and is kept with the stack that made it.
 *
 * Kept are: the latest changes of all threads, in a ring, and for each thread those that nothing has undone. A change
 * towards zero undoes the latest one that its own driver made; without such a one, the latest. So who entered and never
 * left is known by name, however long ago that was and whatever happened in between.
 */
#include <string.h>

#include "abi/shadow.h"
#include "machine/internal.h"

#define OUTSTANDING_MAX 24u
#define LOG_MAX 256u
#define WALK_MAX 48u

struct watch_thread {
    uint32_t count;
    uint32_t lost; /* outstanding ones that did not fit */
    struct machine_apc_change outstanding[OUTSTANDING_MAX];
};
struct watch_log {
    uint64_t total;
    struct machine_apc_change ring[LOG_MAX];
};
_Static_assert(sizeof(struct watch_thread) <= 0x1000, "fits its place");
_Static_assert(RUN_WATCH_LOG_BASE + sizeof(struct watch_log) <= ARENA_PRIVATE_BASE + ARENA_PRIVATE_SIZE,
               "fits the private range");

static struct watch_log *log_of_all(void)
{
    return arena_host(RUN_WATCH_LOG_BASE);
}

/* Number of the thread, ~0u: none that the machine knows. */
static unsigned thread_index(const struct machine *m, gva_t kthread)
{
    for (unsigned i = 0; i < machine_thread_count(m); i++) {
        struct rd_thread t;
        if (machine_thread(m, i, &t) && t.kthread == kthread)
            return i;
    }
    return ~0u;
}

static struct watch_thread *watch_of(unsigned index)
{
    return arena_host(RUN_WATCH_BASE + index * 0x1000ull);
}

void watch_thread(gva_t kthread)
{
    gva_t granule = kthread + RD_KTHREAD_APC_GRANULE;
    if (arena_contains(granule, 8) && *arena_shadow(granule) == RD_SHADOW_VALID)
        arena_set_shadow(granule, 8, RD_SHADOW_WATCHED);
}

static bool is_driver(int image)
{
    return image >= 2; /* 0 and 1 are the kernel and the HAL */
}

/* Frames from the registers on: the first two, then from the first driver's on. */
static void walk(const struct machine *m, struct pe_frame f, struct machine_apc_change *out)
{
    bool seen = false;
    for (unsigned i = 0; i < WALK_MAX && out->frame_count < MACHINE_CHANGE_FRAMES; i++) {
        int image = image_index_at(f.rip, false);
        if (image < 0)
            return;
        seen = seen || is_driver(image);
        if (seen || i < 2)
            out->frames[out->frame_count++] = f.rip;
        if (!walk_caller(m, &f))
            return;
    }
}

/* Whose stack says why: the thread's own, also when another one changes its count (a mutex handed over). */
static void capture(struct machine *m, unsigned cpu, gva_t kthread, struct machine_apc_change *out)
{
    struct pe_frame f = walk_begin(&run_cpu(cpu)->cpu.regs), resumed;
    unsigned index = machine_thread_on(m, cpu);
    struct rd_thread t;
    if (index == ~0u || !machine_thread(m, index, &t) || t.kthread != kthread) {
        index = thread_index(m, kthread);
        if (index != ~0u && machine_thread(m, index, &t) && t.state == RD_THREAD_WAITING &&
            walk_begin_switched_out(m, &t, &resumed))
            f = resumed;
    }
    walk(m, f, out);
}

/* The image of the first driver frame; -1: no driver on the stack. */
static int maker(const struct machine_apc_change *c)
{
    for (unsigned i = 0; i < c->frame_count; i++) {
        int image = image_index_at(i == 0 ? c->frames[i] : c->frames[i] - 1, false);
        if (is_driver(image))
            return image;
    }
    return -1;
}

static int delta(const struct machine_apc_change *c)
{
    return (c->new_kernel - c->old_kernel) + (c->new_special - c->old_special);
}

static bool same_count(const struct machine_apc_change *a, const struct machine_apc_change *b)
{
    return (a->new_kernel != a->old_kernel) == (b->new_kernel != b->old_kernel);
}

static void settle(struct watch_thread *w, const struct machine_apc_change *c)
{
    int undone = -1, image = maker(c);
    for (unsigned i = w->count; i-- > 0;) {
        if (delta(&w->outstanding[i]) * delta(c) >= 0 || !same_count(&w->outstanding[i], c))
            continue;
        if (undone < 0)
            undone = (int)i;
        if (maker(&w->outstanding[i]) == image) {
            undone = (int)i;
            break;
        }
    }
    if (undone >= 0 && w->lost == 0) {
        w->count--;
        memmove(&w->outstanding[undone], &w->outstanding[undone + 1],
                (w->count - (unsigned)undone) * sizeof w->outstanding[0]);
    } else if (undone >= 0) {
        w->lost--; /* the ones that did not fit are the latest */
    } else if (w->count < OUTSTANDING_MAX) {
        w->outstanding[w->count++] = *c;
    } else {
        w->lost++;
    }
}

static void counts(gva_t kthread, int16_t *kernel, int16_t *special)
{
    memcpy(kernel, arena_host(kthread + RD_KTHREAD_KERNEL_APC_DISABLE), sizeof *kernel);
    memcpy(special, arena_host(kthread + RD_KTHREAD_SPECIAL_APC_DISABLE), sizeof *special);
}

struct dbt_exit watch_write(struct machine *m, unsigned cpu, gva_t address)
{
    struct vcpu *c = &run_cpu(cpu)->cpu;
    gva_t granule = address & ~7ull;
    while (*arena_shadow(granule) != RD_SHADOW_WATCHED)
        granule += 8; /* a wide write that begins in front of it */
    gva_t kthread = granule - RD_KTHREAD_APC_GRANULE;
    struct machine_apc_change change;
    memset(&change, 0, sizeof change);
    change.kthread = kthread;
    change.pc = c->regs.rip;
    change.step = run_state()->step_count;
    change.cpu = cpu;
    counts(kthread, &change.old_kernel, &change.old_special);
    capture(m, cpu, kthread, &change);
    *arena_shadow(granule) = RD_SHADOW_VALID; /* for one instruction: no mark is needed */
    struct dbt_exit x = dbt_run_one(m->dbt, c);
    *arena_shadow(granule) = RD_SHADOW_WATCHED;
    counts(kthread, &change.new_kernel, &change.new_special);
    unsigned index = thread_index(m, kthread);
    if (index == ~0u || delta(&change) == 0)
        return x;
    settle(watch_of(index), &change);
    struct watch_log *log = log_of_all();
    uint64_t slot = log->total++ % LOG_MAX;
    log->ring[slot] = change;
    arena_mark(RUN_WATCH_BASE + index * 0x1000ull, sizeof(struct watch_thread));
    arena_mark(RUN_WATCH_LOG_BASE, sizeof log->total);
    arena_mark(RUN_WATCH_LOG_BASE + offsetof(struct watch_log, ring) + slot * sizeof change, sizeof change);
    return x;
}

unsigned machine_apc_log(const struct machine *m, struct machine_apc_change *out, unsigned max)
{
    (void)m;
    const struct watch_log *log = log_of_all();
    uint64_t count = log->total < LOG_MAX ? log->total : LOG_MAX;
    if (count > max)
        count = max;
    for (uint64_t i = 0; i < count; i++)
        out[i] = log->ring[(log->total - count + i) % LOG_MAX];
    return (unsigned)count;
}

unsigned machine_apc_outstanding(const struct machine *m, gva_t kthread, struct machine_apc_change *out, unsigned max,
                                 unsigned *more)
{
    unsigned index = thread_index(m, kthread);
    *more = 0;
    if (index == ~0u)
        return 0;
    const struct watch_thread *w = watch_of(index);
    unsigned count = w->count < max ? w->count : max;
    memcpy(out, w->outstanding, count * sizeof *out);
    *more = w->lost + (w->count - count);
    return count;
}

void watch_notes(struct machine *m, gva_t kthread, bool blame_latest)
{
    struct machine_apc_change changes[OUTSTANDING_MAX];
    unsigned more, count = machine_apc_outstanding(m, kthread, changes, OUTSTANDING_MAX, &more);
    unsigned blamed = ~0u;
    for (unsigned i = 0; i < count; i++)
        if (maker(&changes[i]) >= 0 && (blamed == ~0u || blame_latest))
            blamed = i;
    for (unsigned i = 0; i < count; i++) {
        const struct machine_apc_change *c = &changes[i];
        bool special = c->new_special != c->old_special;
        violation_note(&m->violation, NOTE_STACK | NOTE_EXACT | (i == blamed ? NOTE_BLAME : 0), kthread, c->frames,
                       c->frame_count, "The %s APC disable count went from %d to %d here, and nothing undid it:",
                       special ? "special" : "kernel", special ? c->old_special : c->old_kernel,
                       special ? c->new_special : c->new_kernel);
    }
    if (more > 0)
        violation_note(&m->violation, NOTE_LINE, kthread, NULL, 0, "%u later changes were not undone either.", more);
}
