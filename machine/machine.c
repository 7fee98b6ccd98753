/* Creating, booting and inspecting a machine; snapshots of whole runs. */
#include "machine/machine.h"

#include <stdlib.h>
#include <string.h>

#include "abi/shadow.h"
#include "machine/internal.h"

#define BOOT_STEPS 1000000u

struct machine *machine_create(const struct machine_config *config, struct error *e)
{
    struct machine *m = calloc(1, sizeof *m);
    RD_ASSERT(m != NULL);
    m->config = *config;
    if (config->loader_size >= sizeof(struct rd_loader_block))
        m->tso = ((const struct rd_loader_block *)config->loader_block)->machine_flags & RD_MACHINE_TSO;
    static const struct dbt_callbacks callbacks = {machine_code, share_access, frame_access};
    if (!image_parse_files(m, e) || !arena_create(e)) {
        machine_destroy(m);
        return NULL;
    }
    m->dbt = dbt_create(&callbacks, m, config->checks, e);
    if (m->dbt == NULL) {
        machine_destroy(m);
        return NULL;
    }
    return m;
}

void machine_destroy(struct machine *m)
{
    if (m == NULL)
        return;
    if (m->dbt != NULL)
        dbt_destroy(m->dbt);
    arena_destroy();
    for (unsigned i = 0; m->files != NULL && i < m->file_count; i++) {
        free(m->files[i].mapped);
        free(m->files[i].bound);
    }
    for (size_t i = 0; i < m->missing.count; i++)
        free(m->missing.data[i].text);
    free(m->files);
    vec_free(&m->missing);
    vec_free(&m->footprint);
    vec_free(&m->pending);
    vec_free(&m->shared);
    free(m->seen_table);
    free(m);
}

/* What the kernel may count on before its first instruction: the loader block, the control regions, a stack. */
static gva_t prepare_memory(struct machine *m)
{
    gva_t stack = RD_STACK_BASE + (RD_MAX_STACKS - 1) * RD_STACK_STRIDE + RD_STACK_GUARD;
    arena_set_shadow(RD_PCR_BASE, RD_MAX_CPUS * RD_PCR_STRIDE, RD_SHADOW_VALID);
    arena_set_shadow(RD_LOADER_BLOCK, RD_LOADER_SIZE, RD_SHADOW_VALID);
    arena_set_shadow(stack, RD_STACK_SIZE, RD_SHADOW_STACK);
    arena_set_shadow(RD_SHARED_DATA_BASE, RD_SHARED_DATA_SIZE, RD_SHADOW_VALID);
    arena_set_shadow(RD_MISSING_BASE, RD_MISSING_SIZE, RD_SHADOW_MISSING);
    arena_poke(RD_LOADER_BLOCK, m->config.loader_block, m->config.loader_size);
    return stack + RD_STACK_SIZE;
}

bool machine_boot_begin(struct machine *m, struct error *e)
{
    struct run *r = run_state();
    memset(r, 0, sizeof *r);
    r->timer_due = NO_TIMER;
    r->next_image = m->config.driver_base ? m->config.driver_base : RD_DRIVER_BASE;
    mark_run();
    if (r->next_image < RD_NTOS_BASE + 0x400000 || r->next_image >= RD_MISSING_BASE ||
        (r->next_image & 0xFFFF))
        return error_set(e, ERROR_INPUT,
                         "driver base %#llx: must be a multiple of 0x10000 in [%#llx, %#llx)",
                         (unsigned long long)r->next_image, RD_NTOS_BASE + 0x400000, RD_MISSING_BASE);
    gva_t stack = prepare_memory(m);
    if (image_load(m, 0, NULL) < 0 || image_load(m, 1, NULL) < 0) {
        *e = m->error;
        return false;
    }
    m->entry_points = image_export(m, 0, "RdEntryPoints");
    if (m->entry_points == 0 || r->images[0].entry == 0)
        return error_set(e, ERROR_INPUT, "%s: not rundown's kernel: no RdEntryPoints", m->config.kernel.path);
    struct vcpu *c = &run_cpu(0)->cpu;
    memset(run_cpu(0), 0, sizeof(struct run_cpu));
    c->state = VCPU_RUNNING;
    c->irql = 15;
    c->pcr = RD_PCR_BASE;
    c->regs.rip = r->images[0].entry;
    c->regs.gpr[REG_RCX] = RD_LOADER_BLOCK;
    c->regs.gpr[REG_RSP] = stack - 0x28; /* home space, and alignment as after a call */
    c->regs.rflags = 2;
    c->regs.mxcsr = 0x1F80;
    r->cpu_count = 1;
    mark_cpu(0);
    return true;
}

/* A fixed fair order: each enabled processor in turn, until the kernel says that it is ready. */
unsigned machine_boot_agent(const struct machine *m, unsigned next)
{
    uint64_t enabled = machine_enabled(m);
    if (enabled == 0)
        return MACHINE_AGENTS;
    while (!(enabled >> next % MACHINE_AGENTS & 1))
        next++;
    return next % MACHINE_AGENTS;
}

bool machine_boot_ready(const struct machine *m)
{
    (void)m;
    return run_state()->ready != 0;
}

/* Share cells are left alone: nothing looks at them while booting, and those that are known to be shared stay so. */
void machine_boot_finish(struct machine *m)
{
    struct run *r = run_state();
    (void)m;
    r->step_count = 0;
    r->trace = (struct hash128){0, 0};
    mark_run();
}

bool machine_boot(struct machine *m, struct error *e)
{
    if (!machine_boot_begin(m, e))
        return false;
    unsigned next = 0;
    for (unsigned i = 0; i < BOOT_STEPS; i++) {
        unsigned agent = machine_boot_agent(m, next);
        if (agent == MACHINE_AGENTS) {
            machine_quiescent(m);
            break;
        }
        if (machine_step(m, agent).stop != STOP_NONE)
            break;
        if (machine_boot_ready(m)) {
            machine_boot_finish(m);
            share_clear_cells();
            return true;
        }
        next = agent + 1;
    }
    if (m->stop == STOP_VIOLATION)
        return false;
    if (m->error.kind != ERROR_NONE)
        *e = m->error;
    else
        error_set(e, ERROR_INTERNAL, "the guest kernel did not get ready");
    return false;
}

unsigned machine_push(struct machine *m)
{
    RD_ASSERT(m->stop == STOP_NONE);
    return arena_push();
}

void machine_set_stops(struct machine *m, const gva_t *addresses, unsigned count)
{
    dbt_set_stops(m->dbt, addresses, count);
}

void machine_restore(struct machine *m, unsigned depth)
{
    step_abandon(m);
    arena_restore(depth);
    m->stop = STOP_NONE;
    m->has_violation = false;
    m->error.kind = ERROR_NONE;
}

void machine_drop(struct machine *m, unsigned depth)
{
    (void)m;
    arena_drop(depth);
}

void machine_set_observer(struct machine *m, const struct observer *o)
{
    m->config.observer = *o;
}

void machine_set_decider(struct machine *m, const struct decider *d)
{
    m->config.decider = *d;
}

const struct violation *machine_violation(const struct machine *m)
{
    return m->has_violation ? &m->violation : NULL;
}

const struct error *machine_error(const struct machine *m)
{
    return &m->error;
}

const struct vcpu *machine_cpu(const struct machine *m, unsigned number)
{
    (void)m;
    return number < RD_MAX_CPUS ? &run_cpu(number)->cpu : NULL;
}

unsigned machine_cpu_count(const struct machine *m)
{
    (void)m;
    return run_state()->cpu_count;
}

uint64_t machine_step_count(const struct machine *m)
{
    (void)m;
    return run_state()->step_count;
}

unsigned machine_image_count(const struct machine *m)
{
    (void)m;
    return run_state()->image_count;
}

const struct machine_image *machine_image(const struct machine *m, unsigned index)
{
    const struct run *r = run_state();
    if (index >= r->image_count)
        return NULL;
    const struct run_image *i = &r->images[index];
    const struct machine_file *f = &m->files[i->file].file;
    struct machine_image *v = (struct machine_image *)&m->view[index];
    memset(v, 0, sizeof *v);
    strncpy(v->name, f->name, sizeof v->name - 1);
    v->path = f->path;
    v->base = i->base;
    v->size = i->size;
    v->entry = i->entry;
    v->serial = index;
    v->loaded = i->loaded != 0;
    v->system = image_is_system(m, i->file);
    v->file = f->data;
    v->file_size = f->size;
    return v;
}

const struct machine_image *machine_image_at(const struct machine *m, gva_t a)
{
    int i = image_index_at(a, false);
    return i < 0 ? NULL : machine_image(m, (unsigned)i);
}

unsigned machine_thread_count(const struct machine *m)
{
    (void)m;
    return run_state()->thread_count;
}

bool machine_thread(const struct machine *m, unsigned index, struct rd_thread *out)
{
    (void)m;
    const struct run *r = run_state();
    if (index >= r->thread_count || !arena_contains(r->threads[index], sizeof *out))
        return false;
    memcpy(out, arena_host(r->threads[index]), sizeof *out);
    return true;
}

gva_t machine_irp_log(const struct machine *m)
{
    struct rd_entry_points entry;
    return arena_read(m->entry_points, &entry, sizeof entry) ? entry.irp_log : 0;
}

unsigned machine_thread_on(const struct machine *m, unsigned cpu)
{
    gva_t current = 0;
    const struct vcpu *c = machine_cpu(m, cpu);
    if (c == NULL || c->pcr == 0 || !arena_read(c->pcr + RD_PCR_CURRENT_THREAD, &current, sizeof current))
        return ~0u;
    for (unsigned i = 0; i < machine_thread_count(m); i++) {
        struct rd_thread t;
        if (machine_thread(m, i, &t) && t.kthread == current)
            return i;
    }
    return ~0u;
}

struct hash128 machine_state_hash(const struct machine *m)
{
    const struct run *r = run_state();
    struct hash128 h = arena_hash();
    for (unsigned n = 0; n < r->cpu_count; n++) {
        const struct vcpu *c = machine_cpu(m, n);
        h = hash_chain(h, &c->regs, sizeof c->regs);
        uint8_t state[4] = {c->irql, c->state, c->pending, c->in_flight};
        h = hash_chain(h, state, sizeof state);
    }
    return hash_chain(h, &r->time, sizeof r->time);
}

struct hash128 machine_trace_hash(const struct machine *m)
{
    (void)m;
    return run_state()->trace;
}

struct coverage_walk {
    const struct machine *m;
    gva_t base;
    machine_function_fn fn;
    void *context;
};

static void visit_function(void *context, uint32_t start, uint32_t end)
{
    const struct coverage_walk *w = context;
    w->fn(w->context, w->base + start, w->base + end, dbt_coverage(w->m->dbt, w->base + start, w->base + end) > 0);
}

void machine_each_function(const struct machine *m, const struct machine_image *image, machine_function_fn fn,
                           void *context)
{
    struct coverage_walk w = {m, image->base, fn, context};
    pe_each_function(&m->files[run_state()->images[image->serial].file].pe, visit_function, &w);
}
