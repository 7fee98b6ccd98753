/*
 * The context of commands: a thread, its registers, a frame of its stack. A thread that is not on a processor left its
 * nonvolatile registers on its stack, so they are found by unwinding as those of any caller are.
 */
#include <string.h>

#include "debug/debugger.h"

static void walk(struct debugger *d)
{
    d->frame_count = stack_walk(d->m, &d->regs, d->frames, STACK_MAX);
    d->frame = 0;
    d->frame_regs = d->regs;
    d->next_code = d->regs.rip;
}

void debug_context_cpu(struct debugger *d, unsigned cpu)
{
    d->cpu = cpu;
    d->thread = machine_thread_on(d->m, cpu);
    d->running = true;
    d->regs = machine_cpu(d->m, cpu)->regs;
    walk(d);
}

bool debug_context_thread(struct debugger *d, unsigned thread)
{
    struct rd_thread t;
    struct vcpu_regs regs;
    if (!machine_thread(d->m, thread, &t))
        return false;
    for (unsigned cpu = 0; cpu < machine_cpu_count(d->m); cpu++)
        if (machine_thread_on(d->m, cpu) == thread) {
            debug_context_cpu(d, cpu);
            return true;
        }
    if (!stack_thread_registers(d->m, thread, &regs))
        return false;
    d->cpu = t.cpu;
    d->thread = thread;
    d->running = false;
    d->regs = regs;
    walk(d);
    return true;
}

bool debug_context_frame(struct debugger *d, unsigned frame)
{
    struct vcpu_regs regs;
    if (frame >= d->frame_count || !stack_frame_registers(d->m, &d->regs, frame, &regs))
        return false;
    d->frame = frame;
    d->frame_regs = regs;
    return true;
}

unsigned debug_thread_index(const struct debugger *d, gva_t kthread)
{
    struct rd_thread t;
    for (unsigned i = 0; i < machine_thread_count(d->m); i++)
        if (machine_thread(d->m, i, &t) && t.kthread == kthread)
            return i;
    return DEBUG_NO_THREAD;
}

gva_t debug_thread_address(const struct debugger *d)
{
    struct rd_thread t;
    return machine_thread(d->m, d->thread, &t) ? t.kthread : 0;
}
