/*
 * Hypercalls: one function each, in a table by number. The guest kernel is trusted not to be malicious but
 * not to be right: every address is checked, and what makes no sense is a bug of ours (exit status 4), never
 * a violation that a user would blame on the driver.
 */
#include <stdio.h>
#include <string.h>

#include "abi/shadow.h"
#include "machine/internal.h"

#define STATUS_OBJECT_NAME_NOT_FOUND 0xC0000034u
#define STATUS_INVALID_IMAGE_FORMAT 0xC000007Bu

struct call {
    struct machine *m;
    unsigned cpu;
    struct vcpu *c;
    uint64_t rcx, rdx, r8, r9;
};

static void bad(struct call *k, const char *what)
{
    machine_fail(k->m, ERROR_INTERNAL, "hypercall %s from %#llx: bad arguments %#llx %#llx %#llx", what,
                 (unsigned long long)k->c->regs.rip, (unsigned long long)k->rcx,
                 (unsigned long long)k->rdx, (unsigned long long)k->r8);
}

static uint64_t hc_print(struct call *k)
{
    char text[1024];
    size_t n = k->rdx < sizeof text ? k->rdx : sizeof text;
    if (!arena_read(k->rcx, text, n))
        bad(k, "print");
    else if (k->m->config.observer.print != NULL)
        k->m->config.observer.print(k->m->config.observer.context, text, n);
    return 0;
}

static uint64_t hc_bugcheck(struct call *k)
{
    struct trouble t = trouble_at(k->cpu, TROUBLE_BUGCHECK);
    t.code = (uint32_t)k->rcx;
    if (!arena_read(k->rdx, t.arg, sizeof t.arg))
        bad(k, "bugcheck");
    else
        machine_trouble(k->m, &t);
    return 0;
}

static uint64_t hc_unhandled(struct call *k)
{
    struct trouble t = trouble_at(k->cpu, TROUBLE_UNHANDLED);
    uint8_t context[RD_CONTEXT_SIZE];
    uint32_t flags;
    t.code = (uint32_t)k->rcx;
    t.exception_record = k->r8;
    t.context_record = k->r9;
    t.bugcheck_regs = t.regs;
    if (!arena_read(k->rdx, t.arg, sizeof t.arg) || !arena_read(k->r8, &t.record, sizeof t.record) ||
        !arena_read(k->r9, context, sizeof context)) {
        bad(k, "unhandled exception");
        return 0;
    }
    memcpy(t.regs.gpr, context + RD_CONTEXT_GPR, sizeof t.regs.gpr);
    memcpy(&t.regs.rip, context + RD_CONTEXT_RIP, sizeof t.regs.rip);
    memcpy(&t.regs.mxcsr, context + RD_CONTEXT_MXCSR, sizeof t.regs.mxcsr);
    memcpy(&flags, context + RD_CONTEXT_EFLAGS, sizeof flags);
    t.regs.rflags = flags;
    for (int i = 0; i < 16; i++)
        memcpy(t.regs.ymm[i], context + RD_CONTEXT_XMM + 16 * i, 16);
    if (t.record.code == 0xC0000005 && t.record.parameter_count >= 2) {
        t.write = t.record.parameters[0] == 1;
        t.address = t.record.parameters[1];
    }
    machine_trouble(k->m, &t);
    return 0;
}

static uint64_t hc_assert(struct call *k)
{
    char text[160], file[96];
    arena_read_text(k->rcx, text, sizeof text);
    arena_read_text(k->rdx, file, sizeof file);
    machine_fail(k->m, ERROR_INTERNAL, "guest kernel: assertion failed: %s (%s:%u)", text, file,
                 (unsigned)k->r8);
    return 0;
}

static uint64_t hc_ipi(struct call *k)
{
    if (k->rcx < RD_MAX_CPUS)
        share_note(k->m, FOOTPRINT_CPU | k->rcx, false);
    interrupt_send(k->m, (unsigned)k->rcx, (unsigned)k->rdx);
    return 0;
}

static uint64_t await(struct call *k, bool spin)
{
    if (k->rdx == 0 || k->rdx > 64 || !arena_valid(k->rcx, k->rdx)) {
        bad(k, "await");
        return 0;
    }
    struct run_cpu *c = run_cpu(k->cpu);
    c->cpu.state = VCPU_AWAIT;
    c->cpu.await_address = k->rcx;
    c->cpu.await_size = (uint32_t)k->rdx;
    c->cpu.await_spin = spin;
    c->await_is_loop = 0;
    c->await_hash = hash_bytes(arena_host(k->rcx), k->rdx).low;
    mark_cpu(k->cpu);
    return 0;
}

static uint64_t hc_await(struct call *k)
{
    return await(k, false);
}

static uint64_t hc_spin(struct call *k)
{
    return await(k, true);
}

static uint64_t hc_load_image(struct call *k)
{
    struct rd_image_request q;
    char name[128];
    if (!arena_read(k->rcx, &q, sizeof q) || !arena_read_text(q.name, name, sizeof name)) {
        bad(k, "load image");
        return 0;
    }
    share_note(k->m, FOOTPRINT_IMAGE | 0xFFFFFFFFull, true); /* addresses follow the order of loading */
    int file = image_find_file(k->m, name);
    if (file < 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    struct image_thunks thunks = {.table = q.thunks, .count = q.thunk_count, .options = q.options};
    int image = image_load(k->m, (unsigned)file, &thunks);
    if (image < 0) {
        k->m->stop = k->m->error.kind == ERROR_INPUT ? STOP_UNIMPLEMENTED : STOP_INTERNAL;
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    const struct run_image *r = &run_state()->images[image];
    q.base = r->base;
    q.size = r->size;
    q.entry = r->entry;
    memcpy(q.imports, thunks.imported, sizeof q.imports);
    char full[128];
    memset(full, 0, sizeof full);
    snprintf(full, sizeof full, "%s", k->m->files[file].file.name);
    if (!arena_write(k->rcx, &q, sizeof q) || (q.full_name && !arena_write(q.full_name, full, sizeof full)))
        bad(k, "load image");
    return 0;
}

static uint64_t hc_unload_image(struct call *k)
{
    int image = image_index_at(k->rcx, true);
    if (image < 2 || run_state()->images[image].base != k->rcx) {
        bad(k, "unload image");
        return 0;
    }
    share_note(k->m, FOOTPRINT_IMAGE | (uint64_t)image, true);
    k->m->touched_shared = true;
    image_unload(k->m, (unsigned)image);
    return 0;
}

static uint64_t hc_pool_alloc(struct call *k)
{
    pool_allocated(k->m, k->cpu, k->rcx, k->rdx, (uint32_t)k->r8, (uint32_t)k->r9);
    return 0;
}

static uint64_t hc_pool_free(struct call *k)
{
    return pool_freed(k->m, k->cpu, k->rcx);
}

static void map(gva_t start, uint64_t bytes, uint8_t code)
{
    int image = code == RD_SHADOW_PAGED_IMAGE ? image_index_at(start, true) : -1;
    arena_set_shadow(start, bytes, code);
    if (image >= 0) {
        run_state()->images[image].pageable = 1;
        mark_run();
    }
}

static uint64_t hc_map(struct call *k)
{
    gva_t start = k->rcx & ~7ull;
    uint64_t bytes = k->rcx + k->rdx - start;
    if (k->rdx == 0 || !arena_contains(start, bytes) ||
        (start + bytes > ARENA_PRIVATE_BASE && start < ARENA_PRIVATE_BASE + ARENA_PRIVATE_SIZE))
        bad(k, "map");
    else
        map(start, bytes, (uint8_t)k->r8);
    return 0;
}

static uint64_t hc_pool_own(struct call *k)
{
    if (!pool_own(k->rcx, k->rdx, k->r8, (uint32_t)k->r9))
        bad(k, "pool own");
    return 0;
}

static uint64_t hc_pool_query(struct call *k)
{
    struct rd_pool_record record;
    if (!pool_query(k->rcx, &record))
        return 0;
    if (!arena_write(k->rdx, &record, sizeof record))
        bad(k, "pool query");
    return 1;
}

static uint64_t hc_pool_owned(struct call *k)
{
    struct rd_pool_record record;
    uint32_t next = pool_owned(k->m, k->rcx, (uint32_t)k->rdx, &record);
    if (next != 0 && !arena_write(k->r8, &record, sizeof record))
        bad(k, "pool owned");
    return next;
}

static uint64_t hc_thread(struct call *k)
{
    struct run *r = run_state();
    struct rd_thread t;
    if (r->thread_count == RD_MAX_STACKS || !arena_read(k->rcx, &t, sizeof t))
        bad(k, "thread");
    else {
        r->threads[r->thread_count++] = k->rcx;
        mark_run();
        watch_thread(t.kthread);
    }
    return 0;
}

static uint64_t hc_timer(struct call *k)
{
    struct run *r = run_state();
    r->timer_due = k->rcx;
    mark_run();
    share_note(k->m, FOOTPRINT_TIME, true);
    return 0;
}

static uint64_t hc_choose(struct call *k)
{
    const struct decider *d = &k->m->config.decider;
    if (k->rdx < 1 || k->rdx > 0xFFFF) {
        bad(k, "choose");
        return 0;
    }
    if (d->choose == NULL || !k->m->sharing)
        return 0;
    uint32_t value = d->choose(d->context, k->m->agent, (uint32_t)k->rcx, (uint32_t)k->rdx);
    RD_ASSERT(value < k->rdx);
    return value;
}

static uint64_t hc_event(struct call *k)
{
    if (k->rcx == RD_EVENT_TOLD_APART)
        k->m->told_apart |= k->m->sharing;
    else
        machine_emit(k->m, EVENT_GUEST, k->cpu, (uint32_t)k->rcx, k->c->regs.rip, k->rdx, k->r8, k->r9);
    return 0;
}

static uint64_t hc_schedule(struct call *k)
{
    k->m->end_step = true;
    return 0;
}

static uint64_t hc_ready(struct call *k)
{
    run_state()->ready = 1;
    mark_run();
    k->m->end_step = true;
    return 0;
}

static uint64_t hc_touch(struct call *k)
{
    static const uint8_t kinds[] = {
        [RD_TOUCH_READ] = ACCESS_READ, [RD_TOUCH_WRITE] = ACCESS_WRITE, [RD_TOUCH_COUNT] = ACCESS_COUNT};
    if (!arena_valid(k->rcx, k->rdx) || k->r8 >= sizeof kinds)
        bad(k, "touch");
    else
        share_enter(k->m, k->rcx, k->rdx, kinds[k->r8]);
    return 0;
}

static uint64_t hc_time(struct call *k)
{
    share_note(k->m, FOOTPRINT_TIME, false);
    return run_state()->time;
}

static uint64_t hc_expect(struct call *k)
{
    struct trouble t = trouble_at(k->cpu, TROUBLE_EXPECT);
    t.arg[0] = k->rcx;
    t.arg[1] = k->rdx;
    t.arg[2] = k->r8;
    machine_trouble(k->m, &t);
    return 0;
}

static uint64_t hc_frame_hold(struct call *k)
{
    if (k->rcx == 0) {
        frame_forget(k->rdx, k->r8);
        return 0;
    }
    if (k->rdx == 0 || k->r8 == 0)
        bad(k, "frame hold");
    return frame_hold(k->m, k->cpu, k->rcx, k->rdx, (uint32_t)k->r8, k->r9 != 0);
}

static uint64_t hc_frame_check(struct call *k)
{
    frame_check(k->m, k->cpu, k->rcx, k->rdx, k->r8, (uint32_t)k->r9);
    return 0;
}

static uint64_t hc_frame_ended(struct call *k)
{
    frame_unwound(k->m, k->cpu, k->rcx);
    return 0;
}

static uint64_t hc_apc_notes(struct call *k)
{
    watch_notes(k->m, k->rcx, k->rdx != 0);
    return 0;
}

static uint64_t hc_capture(struct call *k)
{
    gva_t frames[64];
    unsigned count = k->rdx < 64 ? (unsigned)k->rdx : 64;
    count = walk_capture(k->m, &k->c->regs, frames, count);
    if (count > 0 && !arena_write(k->rcx, frames, count * sizeof *frames))
        bad(k, "capture");
    return count;
}

static uint64_t hc_note(struct call *k)
{
    char text[512];
    uint64_t frames[VIOLATION_NOTE_STACK];
    unsigned count = (unsigned)(k->r8 >> 32);
    if (count > VIOLATION_NOTE_STACK)
        count = VIOLATION_NOTE_STACK;
    if ((k->r8 & 0xFF) > RD_NOTE_THREAD || !arena_read_text(k->rcx, text, sizeof text) ||
        (count > 0 && !arena_read(k->rdx, frames, count * sizeof *frames)))
        bad(k, "note");
    else
        violation_note(&k->m->violation, (unsigned)k->r8, k->r9, frames, count, "%s", text);
    return 0;
}

static uint64_t (*const calls[])(struct call *) = {
    [RD_HC_PRINT] = hc_print,           [RD_HC_BUGCHECK] = hc_bugcheck,
    [RD_HC_ASSERT] = hc_assert,         [RD_HC_IPI] = hc_ipi,
    [RD_HC_AWAIT] = hc_await,           [RD_HC_LOAD_IMAGE] = hc_load_image,
    [RD_HC_UNLOAD_IMAGE] = hc_unload_image, [RD_HC_POOL_ALLOC] = hc_pool_alloc,
    [RD_HC_POOL_FREE] = hc_pool_free,   [RD_HC_MAP] = hc_map,
    [RD_HC_THREAD] = hc_thread,         [RD_HC_TIMER] = hc_timer,
    [RD_HC_CHOOSE] = hc_choose,         [RD_HC_EVENT] = hc_event,
    [RD_HC_SCHEDULE] = hc_schedule,     [RD_HC_READY] = hc_ready,
    [RD_HC_TOUCH] = hc_touch,           [RD_HC_TIME] = hc_time,
    [RD_HC_EXPECT] = hc_expect,         [RD_HC_SPIN] = hc_spin,
    [RD_HC_FRAME_HOLD] = hc_frame_hold, [RD_HC_FRAME_CHECK] = hc_frame_check,
    [RD_HC_FRAME_ENDED] = hc_frame_ended,
    [RD_HC_UNHANDLED] = hc_unhandled,
    [RD_HC_NOTE] = hc_note,             [RD_HC_APC_NOTES] = hc_apc_notes,
    [RD_HC_CAPTURE] = hc_capture,
    [RD_HC_POOL_OWN] = hc_pool_own,     [RD_HC_POOL_QUERY] = hc_pool_query,
    [RD_HC_POOL_OWNED] = hc_pool_owned,
};

void hypercall_dispatch(struct machine *m, unsigned cpu)
{
    struct vcpu *c = &run_cpu(cpu)->cpu;
    uint64_t number = c->regs.gpr[REG_RAX];
    if (number >= sizeof calls / sizeof calls[0] || calls[number] == NULL) {
        machine_fail(m, ERROR_INTERNAL, "guest kernel: unknown hypercall %llu at %#llx",
                     (unsigned long long)number, (unsigned long long)c->regs.rip);
        return;
    }
    struct call k = {m, cpu, c, c->regs.gpr[REG_RCX], c->regs.gpr[REG_RDX], c->regs.gpr[REG_R8],
                     c->regs.gpr[REG_R9]};
    c->regs.gpr[REG_RAX] = calls[number](&k);
}
