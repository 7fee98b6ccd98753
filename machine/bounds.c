/*
 * Bounds on what the explorer may choose in one execution besides the order of threads. They are part of which agents may step,
 * so every strategy keeps them, and a search that ends has tried everything within them.
 *
 *   - Timers. The clock interrupt may come at any point after a timer was armed. It is *early* while anything else can step;
 *     once so many have been, virtual time passes only when nothing else can.
 *   - Interrupts. An APC or DPC interrupt from another processor may arrive at any point after it was sent. It is *early* while
 *     its processor can step; once so many have been, it arrives only when that one waits.
 *
 * Nothing is cut off by this: what is not chosen early comes later, so no execution ends for a bound, and none hangs for it.
 *
 * The reduction has to know that such an agent depends on whoever decides about it (explore/internal.h):
 *   - The clock's interrupt is early or not by who is left. A step that leaves its own agent unable to go on enters
 *     KEY_LEFT, as a write when only the clock's processor is left, and the clock's steps read it. So waits commute, but
 *     for the last.
 *   - An arrival is early or not by its processor: that one's steps and whoever sends to it conflict with it already; it reads
 *     what its processor waits for, since a change lets it go on. KEY_EARLY is how many early ones are left.
 * These entries are made when the step's hash has been taken: a run with bounds replays without them.
 */
#include "machine/internal.h"

#define KEY_LEFT (FOOTPRINT_BOUND | 1)
#define KEY_EARLY (FOOTPRINT_BOUND | 2)

void machine_set_bounds(struct machine *m, const struct machine_bounds *b)
{
    m->bounds = *b;
}

static bool any_left(struct machine_bound b, uint32_t used)
{
    return !b.on || used < b.most;
}

uint64_t bounds_arrivals(const struct machine *m, uint64_t arrivals, uint64_t processors)
{
    if (!m->sharing || any_left(m->bounds.interrupts, run_state()->early_interrupts))
        return arrivals;
    return arrivals & ~(processors << AGENT_ARRIVAL);
}

bool bounds_clock(const struct machine *m, uint64_t others)
{
    return !m->sharing || others == 0 || any_left(m->bounds.timers, run_state()->early_timers);
}

static bool is_arrival(const struct machine *m, unsigned agent)
{
    return agent >= AGENT_ARRIVAL && !(m->tso && agent >= AGENT_STORE);
}

void bounds_begin(struct machine *m, unsigned agent)
{
    struct run *r = run_state();
    struct step_progress *g = &m->progress;
    if (!m->sharing)
        return;
    if (m->bounds.interrupts.on && is_arrival(m, agent)) {
        g->early = (processors_enabled() >> (agent - AGENT_ARRIVAL) & 1) != 0;
        r->early_interrupts += g->early;
    }
    if (m->bounds.timers.on && agent == 0 && clock_waits()) {
        g->clock = true;
        r->early_timers += (machine_enabled(m) & ~1ull) != 0;
    }
}

/* Enters a key, keeping the order. */
static void enter(struct machine *m, uint64_t key, bool write)
{
    unsigned access = write ? ACCESS_WRITE : ACCESS_READ;
    size_t i = 0, n = m->footprint.count;
    while (i < n && m->footprint.data[i].key < key)
        i++;
    if (i < n && m->footprint.data[i].key == key) {
        m->footprint.data[i].access |= (uint8_t)access;
        return;
    }
    vec_push(&m->footprint, (struct footprint_entry){key, (uint8_t)access});
    for (; n > i; n--)
        m->footprint.data[n] = m->footprint.data[n - 1];
    m->footprint.data[i] = (struct footprint_entry){key, (uint8_t)access};
}

/* What the processor waits for, if it waits for somebody to write. */
static void enter_awaited(struct machine *m, unsigned cpu)
{
    const struct run_cpu *c = run_cpu(cpu);
    if (c->cpu.state != VCPU_AWAIT)
        return;
    if (c->await_is_loop) {
        for (uint32_t i = 0; i < c->read_count; i++)
            enter(m, c->reads[i], false);
        return;
    }
    for (gva_t a = c->cpu.await_address & ~7ull; a < c->cpu.await_address + c->cpu.await_size; a += 8)
        enter(m, (uint64_t)((int64_t)a >> 3), false);
}

void bounds_finish(struct machine *m)
{
    const struct step_progress *g = &m->progress;
    if (!m->sharing)
        return;
    if (m->bounds.interrupts.on && is_arrival(m, g->agent)) {
        enter(m, KEY_EARLY, g->early);
        enter_awaited(m, g->agent - AGENT_ARRIVAL);
    }
    if (m->bounds.timers.on && m->stop == STOP_NONE) {
        uint64_t enabled = machine_enabled(m);
        if (g->agent == 0) {
            if (g->clock || !(enabled & 1))
                enter(m, KEY_LEFT, false);
        } else if (!(enabled & 1ull << g->agent)) {
            enter(m, KEY_LEFT, enabled == 1);
        }
    }
}
