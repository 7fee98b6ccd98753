/*
 * Software interrupts, processor exceptions and processor start. An interrupt from one processor to another running one is first in
 * flight, then arrives (a step of its own agent), and is taken at the first instruction boundary at which
 * the IRQL permits. To a halted processor it arrives at once: while it halts, later is the same as now.
 */
#include <string.h>

#include "machine/internal.h"

#define RFLAGS_IF 0x200u

bool interrupt_deliverable(const struct vcpu *c)
{
    return (c->pending >> (c->irql + 1)) != 0 && (c->regs.rflags & RFLAGS_IF) != 0;
}

bool interrupt_take(struct machine *m, unsigned cpu, unsigned vector)
{
    struct vcpu *c = &run_cpu(cpu)->cpu;
    struct rd_interrupt_frame f = {.vector = vector,
                                   .previous_irql = c->irql,
                                   .rip = c->regs.rip,
                                   .cs = 0x10,
                                   .rflags = c->regs.rflags,
                                   .rsp = c->regs.gpr[REG_RSP],
                                   .ss = 0x18};
    /* The processor aligns the stack before it pushes five words; our two more keep the frame below them. */
    gva_t at = (c->regs.gpr[REG_RSP] & ~15ull) - sizeof f;
    if (!arena_write(at, &f, sizeof f))
        return false;
    share_touch_range(m, at, sizeof f, true);
    loop_interrupted(cpu);
    c->regs.gpr[REG_RSP] = at;
    c->regs.rflags &= ~(uint64_t)(RFLAGS_IF | 0x400);
    struct rd_entry_points entry;
    if (!arena_read(m->entry_points, &entry, sizeof entry))
        return false;
    c->regs.rip = entry.interrupt;
    c->irql = (uint8_t)vector;
    if (vector < 8)
        c->pending &= (uint8_t)~(1u << vector);
    if (c->state == VCPU_HALTED)
        c->state = VCPU_RUNNING;
    mark_cpu(cpu);
    if (machine_listening(m))
        machine_emit(m, EVENT_INTERRUPT, cpu, 0, f.rip, vector, 0, 0);
    return true;
}

bool exception_take(struct machine *m, unsigned cpu, unsigned vector, gva_t address, bool write)
{
    struct vcpu *c = &run_cpu(cpu)->cpu;
    struct rd_exception_frame f = {.address = address,
                                   .error = write ? 2 : 0,
                                   .rip = c->regs.rip,
                                   .cs = 0x10,
                                   .rflags = c->regs.rflags,
                                   .rsp = c->regs.gpr[REG_RSP],
                                   .ss = 0x18};
    struct rd_entry_points entry;
    gva_t handler;
    gva_t at = (c->regs.gpr[REG_RSP] & ~15ull) - sizeof f;
    if (vector >= RD_FAULT_VECTORS || !arena_read(m->entry_points, &entry, sizeof entry) || entry.fault == 0 ||
        !arena_read(entry.fault + 8ull * vector, &handler, sizeof handler) || handler == 0 ||
        !arena_write(at, &f, sizeof f))
        return false;
    share_touch_range(m, at, sizeof f, true);
    c->regs.gpr[REG_RSP] = at;
    c->regs.rflags &= ~0x400ull;
    c->regs.rip = handler;
    mark_cpu(cpu);
    return true;
}

void cpu_start(struct machine *m, unsigned cpu)
{
    struct run *r = run_state();
    struct vcpu *c = &run_cpu(cpu)->cpu;
    struct rd_entry_points entry;
    gva_t pcr = RD_PCR_BASE + cpu * RD_PCR_STRIDE, stack = 0;
    if (!arena_read(m->entry_points, &entry, sizeof entry) || !arena_read(pcr + 8, &stack, sizeof stack)) {
        machine_fail(m, ERROR_INTERNAL, "processor %u started before its control region was set up", cpu);
        return;
    }
    memset(c, 0, sizeof *c);
    c->number = cpu;
    c->state = VCPU_RUNNING;
    c->irql = 15;
    c->pcr = pcr;
    c->regs.rip = entry.start_cpu;
    c->regs.gpr[REG_RCX] = cpu;
    c->regs.gpr[REG_RSP] = stack;
    c->regs.rflags = 2;
    c->regs.mxcsr = 0x1F80;
    if (cpu >= r->cpu_count)
        r->cpu_count = cpu + 1;
    mark_run();
    mark_cpu(cpu);
}

void interrupt_send(struct machine *m, unsigned cpu, unsigned level)
{
    if (cpu >= RD_MAX_CPUS || level < 1 || level > 2) {
        machine_fail(m, ERROR_INTERNAL, "interrupt of level %u to processor %u", level, cpu);
        return;
    }
    struct vcpu *c = &run_cpu(cpu)->cpu;
    if (c->state == VCPU_OFF) {
        cpu_start(m, cpu);
        return;
    }
    bool direct = cpu == m->agent || c->state == VCPU_HALTED || !m->sharing;
    if (direct)
        c->pending |= (uint8_t)(1u << level);
    else if (!(c->pending & (1u << level)))
        c->in_flight |= (uint8_t)(1u << level);
    mark_cpu(cpu);
}
