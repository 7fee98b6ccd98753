/* Hears the machine's events while a schedule is replayed. Kept raw: symbolising every event would
 * cost more than the run, and only some sixty of them are printed. */
#include <stdlib.h>
#include <string.h>

#include "machine/arena.h"
#include "report/internal.h"

#define RECORD_LIMIT 400000u
#define CODE_BYTES 15

struct recording *recording_open(struct symbols *symbols, const char *(*verb_name)(uint32_t op),
                                 const char *(*status_name)(int32_t status))
{
    struct recording *r = calloc(1, sizeof *r);
    RD_ASSERT(r != NULL);
    r->symbols = symbols;
    r->verb_name = verb_name;
    r->status_name = status_name;
    return r;
}

void recording_close(struct recording *r)
{
    if (r == NULL)
        return;
    vec_free(&r->records);
    vec_free(&r->stalls);
    free(r);
}

/* Time went on to `due`: whoever could have run since it last did has been assumed to stand still.
 */
static void time_passed(struct recording *r, const struct machine *m, uint64_t due)
{
    if (due <= r->time)
        return;
    for (unsigned i = 0; i < machine_thread_count(m); i++) {
        struct rd_thread t;
        if (!machine_thread(m, i, &t) || (t.flags & RD_THREAD_SYSTEM) || t.cpu >= RD_MAX_CPUS)
            continue;
        const struct vcpu *c = machine_cpu(m, t.cpu);
        bool could_run =
            t.state == RD_THREAD_RUNNING ? c->state == VCPU_RUNNING : t.state == RD_THREAD_READY;
        if (!could_run)
            continue;
        struct stall *last = NULL;
        for (size_t k = 0; k < r->stalls.count; k++)
            if (r->stalls.data[k].thread == i && r->stalls.data[k].from == r->last_run[i])
                last = &r->stalls.data[k];
        if (last != NULL)
            last->to = due;
        else
            vec_push(&r->stalls, (struct stall){i, r->last_run[i], due});
    }
    r->time = due;
}

/* A preemption takes the turn from somebody who could have gone on. */
static void count_step(struct recording *r, const struct machine *m, unsigned agent)
{
    bool changed = r->steps > 0 && agent != r->last_agent;
    r->steps++;
    r->switches += changed;
    r->preemptions += changed && r->last_enabled;
    r->last_agent = agent;
    r->last_enabled = machine_enabled(m) >> agent & 1;
}

static void hear(void *context, const struct machine *m, const struct machine_event *e)
{
    struct recording *r = context;
    struct record record = {
        .event = *e, .thread = machine_thread_on(m, e->cpu), .clock = e->cpu == 0};
    if (e->kind == EVENT_STEP) {
        count_step(r, m, (unsigned)e->a);
        if (record.thread < RD_MAX_STACKS)
            r->last_run[record.thread] = r->time;
        return; /* where steps end is seen by the numbers of the events inside */
    }
    if (e->kind == EVENT_GUEST && e->code == RD_EVENT_TIMER)
        time_passed(r, m, e->b);
    const struct vcpu *c = machine_cpu(m, e->cpu);
    if (c != NULL) {
        record.rcx = c->regs.gpr[REG_RCX];
        record.rdx = c->regs.gpr[REG_RDX];
    }
    if (e->kind == EVENT_SHARED)
        for (unsigned i = 0; i < CODE_BYTES; i++)
            if (!arena_read(e->pc + i, &record.code[i], 1))
                break;
    if (r->records.count == RECORD_LIMIT) {
        size_t half = RECORD_LIMIT / 2;
        memmove(r->records.data, r->records.data + half,
                (RECORD_LIMIT - half) * sizeof *r->records.data);
        r->records.count -= half;
        r->dropped += half;
    }
    vec_push(&r->records, record);
}

void recording_observe(struct recording *r, struct observer *o)
{
    o->context = r;
    o->event = hear;
}

/* The last event of the thread that crossed images, if that was a call that has not come back. */
static gva_t last_caller(const void *context, unsigned thread)
{
    const struct recording *r = context;
    for (size_t i = r->records.count; i-- > 0;) {
        const struct record *record = &r->records.data[i];
        if (record->thread != thread)
            continue;
        switch (record->event.kind) {
        case EVENT_CALL:
            return record->event.pc;
        case EVENT_RETURN:
        case EVENT_CALLBACK:
        case EVENT_CALLBACK_END:
            return 0;
        case EVENT_GUEST:
        case EVENT_SHARED:
        case EVENT_INTERRUPT:
        case EVENT_IMAGE:
        case EVENT_STEP:
        case EVENT_STORE:
            break;
        }
    }
    return 0;
}

struct scene report_scene(const struct machine *machine, const struct violation *violation, struct symbols *symbols,
                          const struct recording *recording)
{
    return (struct scene){machine, violation, symbols, recording != NULL ? last_caller : NULL, recording, NULL};
}
