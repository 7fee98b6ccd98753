/*
 * Waiting loops. A driver that polls a flag would give the explorer an endless execution; fair scheduling says
 * that such a loop blocks until something it could see has changed (the literature's await). Recognised
 * exactly enough not to be fooled: the processor stands at the same instruction with the same registers,
 * and everything that drivers can write (their images' data, the pool blocks they allocated, the thread's
 * own stack) has the same contents as when it stood there before.
 */
#include <string.h>

#include "machine/internal.h"

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

bool loop_check(struct machine *m, unsigned cpu)
{
    struct run_cpu *c = run_cpu(cpu);
    struct hash128 h = hash_bytes(c->cpu.regs.gpr, sizeof c->cpu.regs.gpr);
    mark_cpu(cpu);
    for (unsigned i = 0; i < RUN_LOOP_POINTS; i++) {
        struct loop_point *p = &c->loop[i];
        if (p->rip != c->cpu.regs.rip || p->registers != h.low)
            continue;
        uint64_t memory = driver_memory(m, cpu);
        if (p->memory == memory) {
            c->cpu.state = VCPU_AWAIT;
            c->await_is_loop = 1;
            c->await_hash = memory;
            return true;
        }
        p->memory = memory;
        return false;
    }
    c->loop[c->loop_next] = (struct loop_point){c->cpu.regs.rip, h.low, 0};
    c->loop_next = (c->loop_next + 1) % RUN_LOOP_POINTS;
    return false;
}

bool loop_changed(struct machine *m, unsigned cpu)
{
    return driver_memory(m, cpu) != run_cpu(cpu)->await_hash;
}

void loop_forget(unsigned cpu)
{
    struct run_cpu *c = run_cpu(cpu);
    memset(c->loop, 0, sizeof c->loop);
    c->loop_next = 0;
    mark_cpu(cpu);
}
