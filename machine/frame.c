/*
 * Frame identity. When the kernel keeps a pointer that a driver handed over, and it points into a thread's stack, the
 * frame that owns the address is found by unwinding, and the slot of its return address is marked in shadow memory
 * (RD_SHADOW_FRAME). The frame lives as long as that address is waiting there: calls and tail jumps leave it,
 * other threads have stacks of their own, and the return that takes it comes by here first. So a newer frame at the
 * same place, even of the same function called from the same instruction, is another one.
 *
 * Frames that end otherwise are found by what they leave behind: RD_HC_FRAME_ENDED tells of unwinding by exceptions,
 * a thread's end takes its stack away, and a stack pointer above the slot, or another word in it, say the rest.
 */
#include <string.h>

#include "abi/shadow.h"
#include "machine/frame_state.h"

#define WALK_LIMIT 64u

/* Part of the state has changed; its head holds the counts. */
static void mark(const void *part, size_t bytes)
{
    arena_mark((gva_t)((uint64_t)part - RD_HOST_DELTA), bytes);
    arena_mark(RUN_FRAMES_BASE, 1);
}

static bool on_stack(gva_t a)
{
    return a - RD_STACK_BASE < RD_MAX_STACKS * RD_STACK_STRIDE;
}

/* --- finding frames ---------------------------------------------------------------------------- */

/* Registers of the thread whose stack holds a; its index in *thread_out. */
static bool stack_registers(struct machine *m, unsigned cpu, gva_t a, struct pe_frame *out, unsigned *thread_out)
{
    unsigned own = machine_thread_on(m, cpu);
    for (unsigned i = 0; i < machine_thread_count(m); i++) {
        struct rd_thread t;
        if (!machine_thread(m, i, &t) || a < t.stack_limit || a >= t.stack_base || t.state == RD_THREAD_TERMINATED)
            continue;
        *thread_out = i;
        if (i == own || t.state == RD_THREAD_RUNNING) {
            const struct vcpu_regs *r = &run_cpu(i == own ? cpu : t.cpu)->cpu.regs;
            *out = walk_begin(r);
            return frame_stack_of(r->gpr[REG_RSP]) == frame_stack_of(a);
        }
        return walk_begin_switched_out(m, &t, out);
    }
    return false;
}

/* The frame that owns a. A driver function's parameters lie in its caller's frame, above the return address, and are
 * its own nevertheless. */
static bool find_frame(struct machine *m, unsigned cpu, gva_t a, struct frame *out)
{
    struct pe_frame f;
    unsigned thread;
    if (!stack_registers(m, cpu, a, &f, &thread) || a < f.gpr[REG_RSP])
        return false;
    for (unsigned depth = 0; depth < WALK_LIMIT; depth++) {
        gva_t low = f.gpr[REG_RSP], pc = f.rip;
        if (!walk_caller(m, &f))
            return false;
        gva_t end = f.gpr[REG_RSP];
        bool home = !f.machine_frame && machine_code(m, pc).class == CODE_DRIVER && a < end + HOME_SPACE;
        if (a >= end && !home)
            continue;
        if (f.machine_frame)
            return false; /* of an interrupt: has no return address */
        *out = (struct frame){.slot = end - 8, .low = a < end ? low : a & ~7ull, .return_address = f.rip, .function = pc};
        return true;
    }
    return false;
}

/* --- life and death ---------------------------------------------------------------------------- */

/* The shadow of one granule of stack, from what is known of frames now. */
static void refresh(gva_t a)
{
    const struct frames *s = frames_state();
    uint8_t code = *arena_shadow(a);
    if (code != RD_SHADOW_STACK && code != RD_SHADOW_FRAME)
        return;
    uint8_t now = RD_SHADOW_STACK;
    for (uint32_t i = 0; i < s->frame_count; i++)
        if (s->frames[i].slot == a && !s->frames[i].ended)
            now = RD_SHADOW_FRAME;
    for (uint32_t i = 0; i < s->armed_count && now == RD_SHADOW_STACK; i++) {
        const struct armed *x = &s->armed[i];
        const struct frame *f = &s->frames[x->hold.frame];
        if (x->hold.key != 0 && f->ended && a >= f->low && a < f->slot)
            now = RD_SHADOW_FRAME;
    }
    if (now != code)
        arena_set_shadow(a, 8, now);
}

static void refresh_frame(const struct frame *f)
{
    for (gva_t a = f->low & ~7ull; a <= f->slot; a += 8)
        refresh(a);
}

static void end_frame(struct frame *f)
{
    if (f->ended)
        return;
    f->ended = 1;
    f->ended_step = run_state()->step_count;
    mark(f, sizeof *f);
    refresh_frame(f);
}

/* Notices what nothing told of. */
static void look_at(struct machine *m, unsigned cpu, struct frame *f)
{
    struct pe_frame now;
    unsigned thread;
    uint64_t word;
    if (!f->ended && (*arena_shadow(f->slot) != RD_SHADOW_FRAME || !arena_read(f->slot, &word, sizeof word) ||
                      word != f->return_address || !stack_registers(m, cpu, f->slot, &now, &thread) ||
                      now.gpr[REG_RSP] > f->slot))
        end_frame(f);
}

static uint32_t intern_frame(struct machine *m, unsigned cpu, const struct frame *found)
{
    struct frames *s = frames_state();
    uint32_t unused = s->frame_count;
    for (uint32_t i = 0; i < s->frame_count; i++) {
        struct frame *f = &s->frames[i];
        if (f->slot == found->slot && f->low <= found->low && !f->ended) {
            look_at(m, cpu, f);
            if (!f->ended)
                return i;
        }
        if (f->slot == 0 || f->holds == 0) {
            if (f->slot != 0 && !f->ended)
                end_frame(f);
            if (unused == s->frame_count)
                unused = i;
        }
    }
    if (unused == FRAME_LIMIT)
        return FRAME_LIMIT;
    if (unused == s->frame_count)
        s->frame_count++;
    s->frames[unused] = *found;
    s->frames[unused].serial = ++s->serial;
    mark(&s->frames[unused], sizeof s->frames[unused]);
    arena_set_shadow(found->slot, 8, RD_SHADOW_FRAME);
    return unused;
}

static struct hold *hold_of(gva_t key)
{
    struct frames *s = frames_state();
    for (uint32_t i = 0; i < s->hold_count; i++)
        if (s->holds[i].key == key)
            return &s->holds[i];
    return NULL;
}

static void drop(struct hold *h)
{
    struct frame *f = &frames_state()->frames[h->frame];
    f->holds--;
    memset(h, 0, sizeof *h);
    mark(f, sizeof *f);
    mark(h, sizeof *h);
}

uint64_t frame_hold(struct machine *m, unsigned cpu, gva_t pointer, gva_t key, uint32_t kind, bool keep)
{
    struct frames *s = frames_state();
    struct hold *h = hold_of(key);
    struct frame found;
    if (h != NULL && keep && h->pointer == pointer)
        return 1;
    if (h != NULL)
        drop(h);
    if (!on_stack(pointer) || !find_frame(m, cpu, pointer, &found))
        return 0;
    for (h = s->holds; h < s->holds + s->hold_count && h->key != 0; h++)
        ;
    uint32_t frame = intern_frame(m, cpu, &found);
    if (h == s->holds + HOLD_LIMIT || frame == FRAME_LIMIT) {
        machine_fail(m, ERROR_UNIMPLEMENTED, "more than %u pointers into stacks held at once", FRAME_LIMIT);
        return 0;
    }
    if (h == s->holds + s->hold_count)
        s->hold_count++;
    *h = (struct hold){.key = key, .pointer = pointer, .kind = kind, .frame = frame, .step = run_state()->step_count,
                       .thread = machine_thread_on(m, cpu)};
    h->stack_count = walk_capture(m, &run_cpu(cpu)->cpu.regs, h->stack, MACHINE_HOLD_STACK);
    s->frames[frame].holds++;
    mark(&s->frames[frame], sizeof s->frames[frame]);
    mark(h, sizeof *h);
    if (!m->frames) {
        m->frames = true;
        machine_apply_features(m);
    }
    return 1;
}

void frame_forget(gva_t key, uint64_t bytes)
{
    struct frames *s = frames_state();
    for (uint32_t i = 0; i < s->hold_count; i++)
        if (s->holds[i].key != 0 && s->holds[i].key - key < bytes)
            drop(&s->holds[i]);
}

/* --- uses -------------------------------------------------------------------------------------- */

/* Reports number the holds: those of armed pointers follow the others. */
static void dead(struct trouble *t, uint32_t hold, uint32_t use)
{
    t->kind = TROUBLE_DEAD_FRAME;
    t->shadow = RD_SHADOW_FRAME;
    t->arg[0] = hold;
    t->arg[1] = use;
}

static void arm(struct machine *m, unsigned cpu, const struct hold *h)
{
    struct frames *s = frames_state();
    gva_t rsp = run_cpu(cpu)->cpu.regs.gpr[REG_RSP];
    uint32_t i = 0;
    while (i < s->armed_count && s->armed[i].hold.key != 0)
        i++;
    if (i == ARMED_LIMIT) {
        machine_fail(m, ERROR_UNIMPLEMENTED, "more than %u routines with pointers into stacks", ARMED_LIMIT);
        return;
    }
    if (i == s->armed_count)
        s->armed_count++;
    s->armed[i] = (struct armed){.hold = *h, .stack = frame_stack_of(rsp), .above = rsp + HOME_SPACE};
    struct frame *f = &s->frames[h->frame];
    f->holds++;
    if (f->reach == 0 || h->pointer < f->reach)
        f->reach = h->pointer;
    mark(f, sizeof *f);
    mark(&s->armed[i], sizeof s->armed[i]);
    refresh_frame(f);
}

static void disarm(gva_t key, gva_t pointer, uint64_t stack)
{
    struct frames *s = frames_state();
    for (uint32_t i = s->armed_count; i-- > 0;) {
        struct armed *x = &s->armed[i];
        if (x->hold.key != key || x->hold.pointer != pointer || x->stack != stack)
            continue;
        struct frame *f = &s->frames[x->hold.frame];
        x->hold.key = 0;
        f->holds--;
        mark(f, sizeof *f);
        mark(x, sizeof *x);
        refresh_frame(f);
        return;
    }
}

void frame_check(struct machine *m, unsigned cpu, gva_t pointer, gva_t key, uint64_t bytes, uint32_t use)
{
    if (use == RD_FRAME_PASSED) {
        disarm(key, pointer, frame_stack_of(run_cpu(cpu)->cpu.regs.gpr[REG_RSP]));
        return;
    }
    struct hold *h = hold_of(key);
    if (h == NULL || h->pointer != pointer)
        return;
    struct frame *f = &frames_state()->frames[h->frame];
    /* Against the return that ends the frame the order matters. */
    share_touch_range(m, f->slot, 8, true);
    look_at(m, cpu, f);
    if (use == RD_FRAME_PASS) {
        arm(m, cpu, h);
        if (h->kind == RD_HOLD_COMPLETION_CONTEXT || h->kind == RD_HOLD_THREAD_CONTEXT)
            drop(h); /* used up; the others may be passed again */
    } else if (f->ended) {
        struct trouble t = trouble_at(cpu, TROUBLE_DEAD_FRAME);
        t.address = pointer;
        t.size = (uint32_t)bytes;
        t.write = use != RD_FRAME_READ;
        dead(&t, (uint32_t)(h - frames_state()->holds), use);
        machine_trouble(m, &t);
    }
}

void frame_trouble(struct trouble *t)
{
    int i = frame_forbids(t->address, t->regs.gpr[REG_RSP]);
    for (uint32_t k = 1; i < 0 && k < t->size; k++)
        i = frame_forbids(t->address + k, t->regs.gpr[REG_RSP]);
    RD_ASSERT(i >= 0);
    dead(t, HOLD_LIMIT + (uint32_t)i, t->write ? RD_FRAME_WRITE : RD_FRAME_READ);
}

/* The end of a frame is a write to it, for whoever was given a pointer into it, whether or not that routine still runs:
 * what a step touches must not depend on what is not in its footprint. */
static void memory_dies(struct machine *m, const struct frame *f)
{
    gva_t low = f->reach != 0 && f->reach < f->slot ? f->reach & ~7ull : f->slot;
    share_touch_range(m, low, f->slot + 8 - low, true);
}

void frame_returns(struct machine *m, gva_t slot)
{
    struct frames *s = frames_state();
    share_access(m, slot, 8, false, CODE_KERNEL);
    for (uint32_t i = 0; i < s->frame_count; i++) {
        struct frame *f = &s->frames[i];
        if (f->slot == slot && !f->ended) {
            memory_dies(m, f);
            end_frame(f);
        }
    }
    arena_set_shadow(slot, 8, RD_SHADOW_STACK);
}

void frame_returned(gva_t slot)
{
    refresh(slot);
}

void frame_unwound(struct machine *m, unsigned cpu, gva_t rsp)
{
    struct frames *s = frames_state();
    (void)cpu;
    for (uint32_t i = 0; i < s->frame_count; i++) {
        struct frame *f = &s->frames[i];
        if (f->slot == 0 || f->ended || frame_stack_of(f->slot) != frame_stack_of(rsp) || f->slot >= rsp)
            continue;
        memory_dies(m, f);
        end_frame(f);
    }
}

bool machine_hold(const struct machine *m, unsigned index, struct machine_hold *out)
{
    (void)m;
    const struct frames *s = frames_state();
    if (index >= HOLD_LIMIT + ARMED_LIMIT)
        return false;
    const struct hold *h = index < HOLD_LIMIT ? &s->holds[index] : &s->armed[index - HOLD_LIMIT].hold;
    const struct frame *f = &s->frames[h->frame];
    if (h->key == 0)
        return false;
    *out = (struct machine_hold){.pointer = h->pointer, .kind = h->kind, .thread = h->thread, .function = f->function,
                                 .slot = f->slot, .ended = f->ended != 0, .step = h->step, .ended_step = f->ended_step,
                                 .stack_count = h->stack_count};
    memcpy(out->stack, h->stack, sizeof out->stack);
    return true;
}
