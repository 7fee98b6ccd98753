/*
 * One step: runs a processor from a scheduling point to the next (docs/architecture.md, "Steps"). Everything
 * that leaves translated code comes by here: image crossings, hypercalls, interrupts, accesses to shared
 * locations, and trouble.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "machine/internal.h"

#define CLOCK_VECTOR 13u
/* Instructions without a scheduling point after which a step is suspected of an endless loop. */
#define LOOP_QUANTUM 200000u

void machine_emit(struct machine *m, enum machine_event_kind kind, unsigned cpu, uint32_t code, gva_t pc,
                  uint64_t a, uint64_t b, uint64_t c)
{
    if (!machine_listening(m))
        return;
    struct machine_event e = {kind, code, cpu, run_state()->step_count, pc, a, b, c};
    m->config.observer.event(m->config.observer.context, m, &e);
}

void machine_fail(struct machine *m, enum error_kind kind, const char *format, ...)
{
    if (m->stop != STOP_NONE)
        return;
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_set(&m->error, kind, "%s", text);
    m->stop = kind == ERROR_UNIMPLEMENTED ? STOP_UNIMPLEMENTED : STOP_INTERNAL;
}

struct trouble trouble_at(unsigned cpu, enum trouble_kind kind)
{
    const struct vcpu *c = &run_cpu(cpu)->cpu;
    struct trouble t;
    memset(&t, 0, sizeof t);
    t.kind = kind;
    t.cpu = cpu;
    t.regs = c->regs;
    t.irql = c->irql;
    return t;
}

void machine_trouble(struct machine *m, const struct trouble *t)
{
    if (m->stop != STOP_NONE)
        return;
    memset(&m->violation, 0, offsetof(struct violation, note_count)); /* the step's notes stay */
    m->config.observer.judge(m->config.observer.context, m, t, &m->violation);
    m->violation.trouble = *t;
    m->has_violation = true;
    m->stop = STOP_VIOLATION;
}

static void unimplemented_import(struct machine *m, gva_t address, gva_t caller)
{
    int image = image_index_at(caller, false);
    const char *name = image >= 0 ? m->files[run_state()->images[image].file].file.name : "?";
    machine_fail(m, ERROR_UNIMPLEMENTED, "%s is not implemented (used by %s+%#llx)",
                 image_missing(m, address), name,
                 (unsigned long long)(image >= 0 ? caller - run_state()->images[image].base : caller));
}

/* Control is about to execute at an address where nothing may. */
static void cannot_execute(struct machine *m, unsigned cpu, gva_t from)
{
    struct vcpu *c = &run_cpu(cpu)->cpu;
    if (image_missing(m, c->regs.rip) != NULL) {
        gva_t caller = from;
        arena_read(c->regs.gpr[REG_RSP], &caller, sizeof caller);
        unimplemented_import(m, c->regs.rip, caller);
        return;
    }
    struct trouble t = trouble_at(cpu, TROUBLE_EXECUTE);
    t.address = c->regs.rip;
    t.from = from;
    t.shadow = arena_contains(c->regs.rip, 1) ? *arena_shadow(c->regs.rip) : RD_SHADOW_UNMAPPED;
    machine_trouble(m, &t);
}

static void access_trouble(struct machine *m, unsigned cpu, const struct dbt_exit *x)
{
    if (image_missing(m, x->address) != NULL) {
        unimplemented_import(m, x->address, run_cpu(cpu)->cpu.regs.rip);
        return;
    }
    struct trouble t = trouble_at(cpu, x->reason == DBT_FAULT ? TROUBLE_FAULT : TROUBLE_ACCESS);
    t.address = x->address;
    t.size = x->size;
    t.write = x->write;
    t.shadow = x->shadow;
    if (x->reason == DBT_BAD_ACCESS && x->shadow == RD_SHADOW_FRAME)
        frame_trouble(&t);
    machine_trouble(m, &t);
}

#define FIRST_RAISED_IRQL 2u

/* Whether Windows would ask handlers about this access. User addresses fault; what is there is up to the process, so NT
 * dispatches that below DISPATCH_LEVEL. An address that is not canonical is a general protection fault at any IRQL. Invalid system
 * addresses stop NT whatever surrounds them; and what only our shadow memory knows (freed, dead, unloaded) stops us. */
static bool dispatch_access(struct machine *m, unsigned cpu, const struct dbt_exit *x)
{
    uint64_t high = x->address >> 47;
    if (x->reason == DBT_BAD_ACCESS && x->shadow != RD_SHADOW_UNMAPPED)
        return false;
    if (high == 0)
        return run_cpu(cpu)->cpu.irql < FIRST_RAISED_IRQL && exception_take(m, cpu, 14, x->address, x->write);
    return high != 0x1FFFF && exception_take(m, cpu, 13, 0, false);
}

static bool is_kernel(enum code_class class)
{
    return class == CODE_KERNEL || class == CODE_KERNEL_NOLOG;
}

/* IRETQ: goes on where an interrupt or exception struck, or where unwinding ended. Nobody called anybody. */
static bool is_resumption(gva_t from)
{
    uint8_t b[2] = {0, 0};
    return arena_read(from, b, 2) && b[0] == 0x48 && b[1] == 0xCF;
}

/* Whether the instruction that left an image was a return; else it was a call or a tail jump. */
static bool is_return(gva_t from)
{
    uint8_t b[2] = {0, 0};
    if (!arena_read(from, b, 2))
        return false;
    uint8_t opcode = b[0] == 0xF2 || b[0] == 0xF3 ? b[1] : b[0];
    return opcode == 0xC3 || opcode == 0xC2;
}

/* Control went from one image to another. Keeps track of calls out of drivers, and tells listeners. */
static void crossed(struct machine *m, unsigned cpu, gva_t from, const struct code_range *before,
                    const struct code_range *now)
{
    struct run_cpu *rc = run_cpu(cpu);
    const struct vcpu *c = &rc->cpu;
    gva_t top = 0;
    arena_read(c->regs.gpr[REG_RSP], &top, sizeof top);
    bool back = is_return(from);
    if (now->class == CODE_DRIVER)
        rc->driver_call = 0;
    else if (!back && machine_code(m, top).class == CODE_DRIVER)
        rc->driver_call = top;
    if (!machine_listening(m) || is_resumption(from))
        return;
    if (before->class == CODE_DRIVER && is_kernel(now->class)) {
        if (back)
            machine_emit(m, EVENT_CALLBACK_END, cpu, 0, from, c->regs.gpr[REG_RAX], 0, 0);
        else
            machine_emit(m, EVENT_CALL, cpu, 0, from, c->regs.rip, top, c->regs.gpr[REG_RCX]);
    } else if (now->class == CODE_DRIVER) {
        if (back)
            machine_emit(m, EVENT_RETURN, cpu, 0, c->regs.rip, c->regs.gpr[REG_RAX], 0, 0);
        else
            machine_emit(m, EVENT_CALLBACK, cpu, 0, from, c->regs.rip, c->regs.gpr[REG_RCX],
                         c->regs.gpr[REG_RDX]);
    }
}

/* Executes the instruction at a shared access, and enters the access whole. A write that leaves its granule as it was (a
 * store of the same value, a compare-exchange that failed) is entered as a read: in this state it is one. An addition whose
 * outcome is not looked at is entered as that. */
static struct dbt_exit run_shared(struct machine *m, struct vcpu *c, const struct dbt_exit *access)
{
    const uint64_t *granule = arena_host(access->address & ~7ull);
    bool narrow = ((access->address ^ (access->address + access->size - 1)) & ~7ull) == 0;
    bool may_stay = access->write && narrow && access->size != 0;
    uint64_t before = may_stay ? *granule : 0;
    bool adds = may_stay && dbt_adds(m->dbt, c);
    struct dbt_exit x = dbt_run_one(m->dbt, c);
    unsigned kind = access->write ? ACCESS_WRITE : ACCESS_READ;
    if (may_stay && (x.reason == DBT_ONE || x.reason == DBT_INTERRUPT)) {
        if (*granule == before)
            kind = ACCESS_READ;
        else if (adds)
            kind = access->size == 4 ? ACCESS_ADD4 : ACCESS_ADD8;
    }
    share_enter(m, access->address, access->size, kind);
    return x;
}

/* A block executes at most so many instructions behind the one at which its budget ended. */
#define BLOCK_ROOM 64u

/* Whether a debugger wants to look, in front of the instruction at rip. */
static bool wants_pause(struct machine *m, unsigned cpu)
{
    const struct machine_pause *p = m->pause;
    uint64_t executed = run_cpu(cpu)->cpu.retired - m->progress.retired;
    return p != NULL && (executed >= p->count || (p->before != NULL && p->before(p->context, cpu, executed)));
}

/* Runs translated code, no further than a debugger wants. */
static struct dbt_exit run_code(struct machine *m, struct vcpu *c, uint64_t limit)
{
    const struct machine_pause *p = m->pause;
    if (p == NULL || (!p->each && p->count == ~0ull))
        return dbt_run(m->dbt, c, limit);
    uint64_t room = p->count - (c->retired - m->progress.retired);
    if (p->each || room <= BLOCK_ROOM)
        return dbt_run_single(m->dbt, c);
    uint64_t early = c->retired + (room - BLOCK_ROOM);
    return dbt_run(m->dbt, c, early < limit ? early : limit);
}

static void begin_processor(struct machine *m, unsigned cpu)
{
    struct step_progress *g = &m->progress;
    uint64_t retired = run_cpu(cpu)->cpu.retired;
    g->running = true;
    g->end = retired + m->config.step_budget;
    g->limit = m->sharing && g->end > retired + LOOP_QUANTUM ? retired + LOOP_QUANTUM : g->end;
    g->probe = (struct loop_probe){0};
    g->from = 0;
    g->before = (struct code_range){0, 0, CODE_NONE, 0, false};
}

/* Runs processor `cpu` until its step ends or is paused; m->stop says whether the run did. False: paused. */
static bool run_processor(struct machine *m, unsigned cpu)
{
    struct step_progress *g = &m->progress;
    struct vcpu *c = &run_cpu(cpu)->cpu;
    uint64_t end = g->end, limit = g->limit;
    struct loop_probe probe = g->probe;
    gva_t from = g->from;
    struct code_range before = g->before;
    for (;;) {
        if (interrupt_deliverable(c)) {
            unsigned vector = c->pending & 4 ? 2 : 1;
            if (!interrupt_take(m, cpu, vector)) {
                struct trouble t = trouble_at(cpu, TROUBLE_FAULT);
                t.address = c->regs.gpr[REG_RSP];
                t.write = true;
                machine_trouble(m, &t);
                return true;
            }
            before.class = CODE_NONE;
        }
        struct code_range code = machine_code(m, c->regs.rip);
        if (code.class == CODE_NONE) {
            cannot_execute(m, cpu, from);
            return true;
        }
        if (code.pageable && c->irql >= 2 && *arena_shadow(c->regs.rip) == RD_SHADOW_PAGED_IMAGE) {
            cannot_execute(m, cpu, from);
            return true;
        }
        if (m->tso && is_kernel(code.class))
            store_drain(m, cpu);
        if (before.class != CODE_NONE && (before.image != code.image || is_kernel(before.class) != is_kernel(code.class)))
            crossed(m, cpu, from, &before, &code);
        if (code.class == CODE_DRIVER) {
            if (m->touched_shared && m->sharing) {
                loop_check(m, cpu, from != 0 && is_return(from));
                return true; /* behind a kernel call, or before a callback, that touched shared state */
            }
            share_note(m, FOOTPRINT_IMAGE | code.image, false);
        }
        if (m->tso)
            dbt_set_stores(m->dbt, store_waits(cpu));
        if (wants_pause(m, cpu)) {
            g->limit = limit;
            g->probe = probe;
            g->from = 0;
            g->before = code;
            return false;
        }
        struct dbt_exit x = run_code(m, c, limit);
        from = 0;
        before = code;
    exited:
        switch (x.reason) {
        case DBT_CROSS:
            from = x.from;
            break;
        case DBT_SHARED:
            machine_emit(m, EVENT_SHARED, cpu, 0, c->regs.rip, x.address, x.size, x.write);
            if (m->tso && code.class == CODE_DRIVER)
                x = store_access(m, cpu, x.address, x.size, x.write);
            else
                x = run_shared(m, c, &x);
            RD_ASSERT(x.reason != DBT_SHARED);
            if (x.reason == DBT_ONE || x.reason == DBT_INTERRUPT) {
                loop_check(m, cpu, false);
                return true;
            }
            goto exited; /* `call [shared]` goes on in the kernel; a fault is a fault */
        case DBT_FENCE:
            store_drain(m, cpu);
            break;
        case DBT_HYPERCALL:
            hypercall_dispatch(m, cpu);
            if (m->stop != STOP_NONE)
                return true;
            if (m->end_step || c->state != VCPU_RUNNING) {
                m->end_step = false;
                return true;
            }
            break;
        case DBT_HALT:
            c->state = VCPU_HALTED;
            if (c->pending == 0)
                return true;
            c->state = VCPU_RUNNING;
            break;
        case DBT_INTERRUPT:
            break;
        case DBT_FRAME: {
            gva_t slot = x.address;
            frame_returns(m, slot);
            x = dbt_run_one(m->dbt, c);
            frame_returned(slot);
            if (x.reason == DBT_ONE && m->touched_shared && m->sharing && code.class == CODE_DRIVER) {
                loop_check(m, cpu, false);
                return true;
            }
            goto exited;
        }
        case DBT_BAD_ACCESS:
            if (x.shadow == RD_SHADOW_WATCHED) {
                /* As for DBT_SHARED; the translator looks at the shadow first. */
                bool stops = code.class == CODE_DRIVER &&
                             share_access(m, x.address, x.size, x.write, CODE_DRIVER);
                if (stops)
                    machine_emit(m, EVENT_SHARED, cpu, 0, c->regs.rip, x.address, x.size, x.write);
                if (code.class != CODE_KERNEL_NOLOG)
                    share_access(m, x.address, x.size, x.write, CODE_KERNEL);
                x = watch_write(m, cpu, x.address);
                if (stops && (x.reason == DBT_ONE || x.reason == DBT_INTERRUPT)) {
                    loop_check(m, cpu, false);
                    return true;
                }
                goto exited;
            }
            access_trouble(m, cpu, &x);
            return true;
        case DBT_FAULT:
            if (dispatch_access(m, cpu, &x)) {
                before.class = CODE_NONE;
                break;
            }
            access_trouble(m, cpu, &x);
            return true;
        case DBT_EXCEPTION: {
            if (exception_take(m, cpu, x.vector, 0, false)) {
                before.class = CODE_NONE;
                break;
            }
            struct trouble t = trouble_at(cpu, TROUBLE_EXCEPTION);
            t.vector = x.vector;
            machine_trouble(m, &t);
            return true;
        }
        case DBT_UNSUPPORTED:
            machine_fail(m, ERROR_UNIMPLEMENTED, "instruction %s at %s+%#llx is not implemented", x.text,
                         m->files[run_state()->images[code.image].file].file.name,
                         (unsigned long long)(c->regs.rip - run_state()->images[code.image].base));
            return true;
        case DBT_BUDGET:
            if (m->pause != NULL && c->retired < limit)
                break; /* only near to where a debugger wants to look */
            if (!m->sharing)
                return true; /* plain runs: the quantum has ended */
            if (c->retired >= end) {
                m->stop = STOP_LIMIT;
                return true;
            }
            if (loop_probe(m, cpu, &probe, &limit))
                return true;
            if (limit > end)
                limit = end;
            break;
        case DBT_ONE:
            break;
        }
    }
}

static void step_arrival(struct machine *m, unsigned cpu)
{
    struct vcpu *c = &run_cpu(cpu)->cpu;
    RD_ASSERT(c->in_flight != 0);
    c->pending |= c->in_flight;
    c->in_flight = 0;
    mark_cpu(cpu);
    share_note(m, FOOTPRINT_CPU | cpu, true);
}

static void wake_processor(struct machine *m, unsigned cpu)
{
    struct run *r = run_state();
    struct run_cpu *rc = run_cpu(cpu);
    struct vcpu *c = &rc->cpu;
    share_note(m, FOOTPRINT_CPU | cpu, true);
    dbt_set_agent(m->dbt, (uint8_t)(cpu + 1));
    mark_cpu(cpu);
    c->steps++;
    if (c->state == VCPU_HALTED) {
        if (c->pending == 0) {
            RD_ASSERT(cpu == 0 && r->timer_due != NO_TIMER);
            if (r->timer_due > r->time)
                r->time = r->timer_due;
            r->timer_due = NO_TIMER;
            mark_run();
            share_note(m, FOOTPRINT_TIME, true);
            if (!interrupt_take(m, cpu, CLOCK_VECTOR)) {
                machine_fail(m, ERROR_INTERNAL, "no stack for the clock interrupt");
                return;
            }
        } else if (cpu == 0 && r->timer_due != NO_TIMER) {
            /* An interrupt wakes it, but whoever armed the timer may have enabled it first: a step must have something in
             * common with the one that enabled it. */
            share_note(m, FOOTPRINT_TIME, false);
        }
        c->state = VCPU_RUNNING;
    } else if (c->state == VCPU_AWAIT) {
        c->state = VCPU_RUNNING;
        if (rc->await_is_loop)
            loop_leave(m, cpu);
        else
            share_touch_range(m, c->await_address, c->await_size, false);
        rc->await_is_loop = 0;
    }
    begin_processor(m, cpu);
}

static bool await_over(unsigned cpu)
{
    const struct run_cpu *rc = run_cpu(cpu);
    if (interrupt_deliverable(&rc->cpu))
        return true;
    if (rc->await_is_loop)
        return loop_changed(cpu);
    return hash_bytes(arena_host(rc->cpu.await_address), rc->cpu.await_size).low != rc->await_hash;
}

bool clock_waits(void)
{
    const struct vcpu *c = &run_cpu(0)->cpu;
    return run_state()->cpu_count > 0 && c->state == VCPU_HALTED && c->pending == 0 && run_state()->timer_due != NO_TIMER;
}

uint64_t processors_enabled(void)
{
    uint64_t mask = 0;
    for (unsigned n = 0; n < run_state()->cpu_count; n++) {
        const struct vcpu *c = &run_cpu(n)->cpu;
        bool on = false;
        switch ((enum vcpu_state)c->state) {
        case VCPU_RUNNING:
            on = true;
            break;
        case VCPU_HALTED:
            on = c->pending != 0;
            break;
        case VCPU_AWAIT:
            on = await_over(n);
            break;
        case VCPU_OFF:
            break;
        }
        if (on)
            mask |= 1ull << n;
    }
    return mask;
}

uint64_t machine_enabled(const struct machine *m)
{
    if (m->stop != STOP_NONE)
        return 0;
    const struct run *r = run_state();
    uint64_t mask = processors_enabled(), arrivals = 0;
    for (unsigned n = 0; n < r->cpu_count; n++) {
        if (run_cpu(n)->cpu.in_flight)
            arrivals |= 1ull << (AGENT_ARRIVAL + n);
        if (m->tso && store_waits(n))
            mask |= 1ull << (AGENT_STORE + n);
    }
    mask |= bounds_arrivals(m, arrivals, mask);
    if (clock_waits() && bounds_clock(m, mask))
        mask |= 1;
    /* Before anything is called a hang, loops look again if anything at all that drivers can write has changed: what a
     * loop reads may not be known to be shared yet. */
    for (unsigned n = 0; mask == 0 && n < r->cpu_count; n++)
        if (run_cpu(n)->cpu.state == VCPU_AWAIT && run_cpu(n)->await_is_loop && loop_stale(m, n))
            mask |= 1ull << n;
    return mask;
}

unsigned machine_agent_cpu(const struct machine *m, unsigned agent)
{
    return m->tso && agent >= AGENT_STORE ? agent - AGENT_STORE : agent % AGENT_ARRIVAL;
}

bool machine_agent_stores(const struct machine *m, unsigned agent)
{
    return m->tso && agent >= AGENT_STORE;
}

/* What equal runs must agree on after each step. */
static struct hash128 step_hash(const struct machine *m, unsigned agent)
{
    const struct vcpu *c = &run_cpu(machine_agent_cpu(m, agent))->cpu;
    uint64_t head[4] = {agent, (uint64_t)m->stop, c->retired, run_state()->time};
    struct hash128 h = hash_bytes(head, sizeof head);
    h = hash_chain(h, &c->regs.gpr, sizeof c->regs.gpr + sizeof c->regs.rip);
    for (size_t i = 0; i < m->footprint.count; i++) {
        uint64_t word[2] = {m->footprint.data[i].key, m->footprint.data[i].access};
        h = hash_chain(h, word, sizeof word);
    }
    return h;
}

static void begin_step(struct machine *m, unsigned agent)
{
    RD_ASSERT(m->stop == STOP_NONE && agent < MACHINE_AGENTS);
    struct run *r = run_state();
    unsigned cpu = machine_agent_cpu(m, agent);
    m->progress = (struct step_progress){.open = true, .agent = agent, .retired = run_cpu(cpu)->cpu.retired};
    m->agent = cpu;
    m->end_step = false;
    notes_forget(m);
    r->step_count++;
    mark_run();
    bounds_begin(m, agent);
    share_begin_step(m);
    if (m->tso && agent >= AGENT_STORE)
        store_commit(m, cpu);
    else if (agent >= AGENT_ARRIVAL)
        step_arrival(m, cpu);
    else
        wake_processor(m, cpu);
}

static struct step_result finish_step(struct machine *m)
{
    struct run *r = run_state();
    unsigned agent = m->progress.agent, cpu = machine_agent_cpu(m, agent);
    m->progress.open = false;
    share_finish_step(m);
    struct hash128 hash = step_hash(m, agent);
    bounds_finish(m);
    struct step_result s = {.stop = m->stop,
                            .footprint = m->footprint.data,
                            .footprint_count = (unsigned)m->footprint.count,
                            .pc = run_cpu(cpu)->cpu.regs.rip,
                            .retired = run_cpu(cpu)->cpu.retired - m->progress.retired,
                            .hash = hash};
    r->trace = hash_chain(r->trace, &s.hash, sizeof s.hash);
    machine_emit(m, EVENT_STEP, cpu, 0, s.pc, agent, s.retired, m->stop);
    return s;
}

struct step_result machine_step(struct machine *m, unsigned agent)
{
    begin_step(m, agent);
    if (m->progress.running)
        run_processor(m, agent);
    return finish_step(m);
}

bool machine_step_part(struct machine *m, unsigned agent, const struct machine_pause *pause, struct step_result *out)
{
    if (!m->progress.open)
        begin_step(m, agent);
    RD_ASSERT(m->progress.agent == agent);
    bool ended = true;
    m->pause = pause;
    if (m->progress.running) {
        mark_cpu(agent);
        ended = run_processor(m, agent);
    }
    m->pause = NULL;
    if (ended)
        *out = finish_step(m);
    return ended;
}

uint64_t machine_step_executed(const struct machine *m)
{
    return m->progress.open ? run_cpu(machine_agent_cpu(m, m->progress.agent))->cpu.retired - m->progress.retired : 0;
}

void step_abandon(struct machine *m)
{
    if (m->progress.open)
        share_finish_step(m);
    m->progress.open = false;
}

enum machine_stop machine_quiescent(struct machine *m)
{
    if (m->stop != STOP_NONE)
        return m->stop;
    notes_forget(m);
    const struct run *r = run_state();
    /* A processor that spins or polls for ever comes first, whoever it works for: it stands in the code to blame. */
    for (unsigned n = 0; n < r->cpu_count; n++) {
        if (run_cpu(n)->cpu.state != VCPU_AWAIT)
            continue;
        struct trouble hang = trouble_at(n, TROUBLE_HANG);
        hang.address = run_cpu(n)->await_is_loop ? 0 : run_cpu(n)->cpu.await_address;
        hang.arg[0] = machine_thread_on(m, n);
        machine_trouble(m, &hang);
        return m->stop;
    }
    for (uint32_t i = 0; i < r->thread_count; i++) {
        struct rd_thread t;
        if (!machine_thread(m, i, &t) || (t.flags & RD_THREAD_SYSTEM) || t.state == RD_THREAD_TERMINATED)
            continue;
        /* A thread that was suspended and never resumed is where its suspender wants it. It matters only when
         * another one waits for it, and that one is found here. */
        if (t.state == RD_THREAD_WAITING && t.wait_type == RD_WAIT_SUSPEND)
            continue;
        struct trouble hang = trouble_at(t.cpu < RD_MAX_CPUS ? t.cpu : 0, TROUBLE_HANG);
        hang.address = t.wait_object;
        hang.arg[0] = i;
        machine_trouble(m, &hang);
        return m->stop;
    }
    return STOP_END;
}
