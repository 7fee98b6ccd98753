/*
 * Waiting loops. A driver that polls a flag would give the explorer an endless execution; fair scheduling says
 * that such a loop blocks until something it could see has changed (the literature's await). Recognised
 * exactly enough not to be fooled: the processor stands at the same instruction with the same registers,
 * and everything that drivers can write (their images' data, the pool blocks they allocated, the thread's
 * own stack) has the same contents as when it stood there before. It then waits for a change of the shared
 * locations that its steps in between have read and not written.
 */
#include <string.h>

#include "machine/internal.h"

/* Points passed without meeting the one at which turns are counted, before another may take its place. */
#define TURN_LIMIT 32u

static uint64_t mix(uint64_t h, struct hash128 x)
{
    return (h ^ x.low) * 0x9E3779B97F4A7C15ull + x.high;
}

static bool holds_thread(const struct run *r, const struct run_pool *p)
{
    for (uint32_t i = 0; i < r->thread_count; i++)
        if (r->threads[i] - p->address < p->bytes)
            return true;
    return false;
}

static uint64_t driver_memory(const struct machine *m, unsigned cpu)
{
    const struct run *r = run_state();
    uint64_t h = 1;
    for (uint32_t i = 2; i < r->image_count; i++) {
        if (!r->images[i].loaded) {
            h = h * 3 + i;
            continue;
        }
        const struct pe *pe = &m->files[r->images[i].file].pe;
        for (unsigned k = 0; k < pe->section_count; k++)
            if (pe->sections[k].writable)
                h = mix(h, hash_bytes(arena_host(r->images[i].base + pe->sections[k].rva),
                                      pe->sections[k].virtual_size));
    }
    /* A thread object changes whenever its thread waits; what a driver polls in one, it polls by a kernel call. */
    for (uint32_t i = 0; i < r->pool_count; i++) {
        const struct run_pool *p = run_pool(i);
        if (p->allocated_by != 0 && !p->freed && !holds_thread(r, p))
            h = mix(h, hash_bytes(arena_host(p->address), p->bytes));
    }
    const struct vcpu *c = &run_cpu(cpu)->cpu;
    gva_t rsp = c->regs.gpr[REG_RSP];
    unsigned stack = (unsigned)((rsp - RD_STACK_BASE) / RD_STACK_STRIDE);
    if (stack < RD_MAX_STACKS) {
        gva_t top = RD_STACK_BASE + stack * RD_STACK_STRIDE + RD_STACK_GUARD + RD_STACK_SIZE;
        if (rsp < top)
            h = mix(h, hash_bytes(arena_host(rsp), top - rsp));
    }
    return h ? h : 1;
}

static bool is_memory(uint64_t key)
{
    return key >> 60 == 0xF || key >> 60 == 0;
}

/* What the loop looks at: read in its steps, written in none. False: too much to keep. */
static bool collect_reads(struct machine *m, struct run_cpu *c)
{
    for (size_t i = 0; i < m->footprint.count; i++) {
        const struct footprint_entry *f = &m->footprint.data[i];
        if (!is_memory(f->key))
            continue;
        uint32_t k = 0;
        while (k < c->read_count && c->reads[k] != f->key)
            k++;
        if (f->access != ACCESS_READ) {
            if (k < c->read_count)
                c->reads[k] = c->reads[--c->read_count];
        } else if (k == c->read_count) {
            if (k == RUN_LOOP_READS)
                return false;
            c->reads[c->read_count++] = f->key;
        }
    }
    return true;
}

static uint64_t hash_reads(const struct run_cpu *c)
{
    uint64_t values[RUN_LOOP_READS];
    for (uint32_t i = 0; i < c->read_count; i++)
        values[i] = *(const uint64_t *)arena_host(c->reads[i] << 3);
    return hash_bytes(values, c->read_count * sizeof values[0]).low;
}

static void note_reads(struct machine *m, const struct run_cpu *c)
{
    for (uint32_t i = 0; i < c->read_count; i++)
        share_note(m, c->reads[i], false);
}

/* rcx, rdx, r8 to r11: a routine leaves in them what it likes, for instance the time at which a pause was to end. */
static struct hash128 hash_registers(const struct vcpu *c, bool returned)
{
    static const unsigned scratch[] = {1, 2, 8, 9, 10, 11};
    uint64_t registers[16];
    memcpy(registers, c->regs.gpr, sizeof registers);
    for (unsigned i = 0; returned && i < sizeof scratch / sizeof scratch[0]; i++)
        registers[scratch[i]] = 0;
    return hash_bytes(registers, sizeof registers);
}

bool loop_check(struct machine *m, unsigned cpu, bool returned)
{
    struct run_cpu *c = run_cpu(cpu);
    struct hash128 h = hash_registers(&c->cpu, returned);
    mark_cpu(cpu);
    if (!collect_reads(m, c)) {
        loop_forget(cpu);
        return false;
    }
    for (unsigned i = 0; i < RUN_LOOP_POINTS; i++) {
        struct loop_point *p = &c->loop[i];
        if (p->rip != c->cpu.regs.rip || p->registers != h.low)
            continue;
        /* A loop has several points; its turns are counted at the one that was met again first. */
        if (c->turn_point != i + 1 && c->turn_point != 0 && c->turn_age++ < TURN_LIMIT)
            return false;
        uint64_t memory = driver_memory(m, cpu);
        bool same = c->turn_point == i + 1 && p->memory == memory;
        if (same && c->read_count > 0) {
            c->cpu.state = VCPU_AWAIT;
            c->await_is_loop = 1;
            c->await_hash = hash_reads(c);
            c->await_memory = memory;
            note_reads(m, c);
            return true;
        }
        p->memory = memory;
        c->turn_point = i + 1;
        c->turn_age = 0;
        c->read_count = 0; /* from here on: what one turn of the loop reads */
        return false;
    }
    if (c->turn_point == c->loop_next + 1)
        c->turn_point = 0;
    c->loop[c->loop_next] = (struct loop_point){c->cpu.regs.rip, h.low, 0};
    c->loop_next = (c->loop_next + 1) % RUN_LOOP_POINTS;
    return false;
}

bool loop_changed(unsigned cpu)
{
    return hash_reads(run_cpu(cpu)) != run_cpu(cpu)->await_hash;
}

bool loop_stale(const struct machine *m, unsigned cpu)
{
    return driver_memory(m, cpu) != run_cpu(cpu)->await_memory;
}

void loop_leave(struct machine *m, unsigned cpu)
{
    note_reads(m, run_cpu(cpu));
    loop_forget(cpu);
}

void loop_forget(unsigned cpu)
{
    struct run_cpu *c = run_cpu(cpu);
    memset(c->loop, 0, sizeof c->loop);
    c->loop_next = 0;
    c->read_count = 0;
    c->turn_point = 0;
    mark_cpu(cpu);
}

void loop_interrupted(unsigned cpu)
{
    struct run_cpu *c = run_cpu(cpu);
    for (unsigned i = 0; i < RUN_LOOP_POINTS; i++)
        if (c->loop[i].rip == c->cpu.regs.rip) {
            c->loop[i] = (struct loop_point){0, 0, 0};
            if (c->turn_point == i + 1)
                c->turn_point = 0;
        }
    mark_cpu(cpu);
}

/* Blocks that a probe follows before it gives up and lets the step go on. */
#define PROBE_BLOCKS 4096u

bool loop_probe(struct machine *m, unsigned cpu, struct loop_probe *p, uint64_t *limit)
{
    struct run_cpu *c = run_cpu(cpu);
    uint64_t registers = hash_bytes(c->cpu.regs.gpr, sizeof c->cpu.regs.gpr).low;
    if (p->blocks == 0) {
        p->point = (struct loop_point){c->cpu.regs.rip, registers, driver_memory(m, cpu)};
    } else if (p->point.rip == c->cpu.regs.rip && p->point.registers == registers &&
               p->point.memory == driver_memory(m, cpu)) {
        /* It reads nothing that anybody is known to write, so nothing ends it. */
        c->cpu.state = VCPU_AWAIT;
        c->await_is_loop = 1;
        c->read_count = 0;
        c->await_hash = hash_reads(c);
        c->await_memory = p->point.memory;
        mark_cpu(cpu);
        return true;
    }
    *limit = c->cpu.retired + 1; /* one block */
    if (++p->blocks > PROBE_BLOCKS) {
        p->blocks = 0;
        *limit = c->cpu.retired + 50 * PROBE_BLOCKS;
    }
    return false;
}
