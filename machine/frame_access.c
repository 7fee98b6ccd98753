/*
 * May this processor touch stack memory of a frame that has ended? Asked by generated code, out of line, while the
 * guest's vector registers are live: general registers only, and no library calls.
 *
 * A routine that was given a pointer may keep it, compare it and pass it on; it may not touch what the pointer
 * pointed to once that frame has ended. Which pointer an access goes through is not known, only its address, so this
 * must not mistake another object for the dead one:
 *
 * - on the routine's own stack, its own frame and what it calls lie below its entry; what lies above and inside the dead
 *   frame belongs to newer frames of callers, whose locals the routine was not given;
 * - on another stack, what lies below that thread's stack pointer is nobody's. Above it, a newer frame covers the
 *   address, and its function may have handed out a pointer of its own by means that nobody sees. That is credible of
 *   a system thread, which lives long and takes requests, and then nothing is said; it is not of a routine that runs
 *   to its end, as completion routines, DPCs, APCs and work items do.
 */
#pragma GCC target("general-regs-only") /* before all else, or header inlines stay calls */

#include "machine/frame_state.h"

/* Present stack pointer of the thread whose stack holds a; 0: unknown. */
static gva_t stack_pointer(gva_t a)
{
    const struct run *r = run_state();
    for (uint32_t i = 0; i < r->thread_count; i++) {
        const struct rd_thread *t = arena_host(r->threads[i]);
        if (a < t->stack_limit || a >= t->stack_base)
            continue;
        if (t->state == RD_THREAD_TERMINATED)
            return t->stack_base;
        if (t->state == RD_THREAD_RUNNING && t->cpu < RD_MAX_CPUS)
            return run_cpu(t->cpu)->cpu.regs.gpr[REG_RSP];
        return t->saved_rsp;
    }
    return 0;
}

int frame_forbids(gva_t a, gva_t rsp)
{
    const struct frames *s = frames_state();
    for (uint32_t i = s->armed_count; i-- > 0;) {
        const struct armed *x = &s->armed[i];
        if (x->hold.key == 0 || x->stack != frame_stack_of(rsp) || rsp >= x->above - HOME_SPACE)
            continue; /* not armed, or not inside the routine */
        const struct frame *f = &s->frames[x->hold.frame];
        if (!f->ended || a < (x->hold.pointer & ~7ull) || a >= f->slot)
            continue;
        if (frame_stack_of(a) == x->stack ? a >= x->above
                                          : x->hold.kind != RD_HOLD_THREAD_CONTEXT || a < stack_pointer(a))
            return (int)i;
    }
    return -1;
}

bool frame_access(void *context, gva_t address, gva_t rsp)
{
    (void)context;
    return frame_forbids(address, rsp) >= 0;
}
