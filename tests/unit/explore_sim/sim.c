/* The interpreter of the simulated programs. Its state is plain data and copied by push; which
 * variables are known to be shared outlives executions, as in the machine. */
#include "tests/unit/explore_sim/sim.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct sim_thread {
    int16_t reg[SIM_REGS];
    uint16_t pc;
    uint8_t phase; /* of SIM_POLL */
    bool off;      /* dormant or cancelled */
    bool begun;
    bool awaits; /* stands still until await[0] or await[1] is written */
    bool spins;  /* stands still while await[0] is not 0 */
    bool woken;  /* ... and has been: its next step has looked at both again */
    int16_t await[2];
};

struct sim_state {
    struct sim_thread thread[SIM_THREADS];
    uint16_t stop_thread, stop_pc;
    bool violated;
    int16_t var[SIM_VARS];
};

/* Identifies a trace: each step's hash covers its agent's step before and what it conflicts with.
 */
struct sim_trace {
    uint64_t thread[SIM_THREADS];
    struct {
        uint64_t before, sum; /* what the last accesses of one kind follow, and the sum over them: they commute */
        unsigned kind;
    } key[SIM_VARS + SIM_THREADS];
};

struct sim {
    struct sim_program program;
    struct sim_state now;
    struct sim_trace trace;
    size_t size; /* bytes of the state in use */
    struct {
        uint8_t *data;
        size_t count, capacity;
    } stack;
    unsigned depth;
    struct footprint_entry footprint[16];
    unsigned footprint_count;
    uint8_t
        owner[SIM_VARS]; /* private_at_first: 0 untouched, thread + 1, 0xFD pending, 0xFF shared */
    bool grew, told_apart;
    uint64_t begun;
};

static bool is_private(enum sim_kind k)
{
    return k >= SIM_SET;
}

static void touch_key(struct sim *s, uint64_t key, unsigned access)
{
    unsigned i = s->footprint_count;
    for (unsigned k = 0; k < i; k++)
        if (s->footprint[k].key == key) {
            s->footprint[k].access |= (uint8_t)access;
            return;
        }
    while (i > 0 && s->footprint[i - 1].key > key) {
        s->footprint[i] = s->footprint[i - 1];
        i--;
    }
    s->footprint[i] = (struct footprint_entry){key, (uint8_t)access};
    s->footprint_count++;
}

/* Enters an access; false when the variable counts as private, so that the step goes on. */
static bool enter(struct sim *s, unsigned thread, int var, unsigned access)
{
    RD_ASSERT(var >= 0 && var < (int)s->program.vars);
    if (access != ACCESS_READ)
        for (unsigned t = 0; t < s->program.threads; t++) {
            struct sim_thread *o = &s->now.thread[t];
            if (t != thread && o->awaits && (o->await[0] == var || o->await[1] == var))
                o->awaits = false, o->woken = true;
        }
    if (s->program.private_at_first && s->owner[var] != 0xFF) {
        if (s->owner[var] == 0)
            s->owner[var] = (uint8_t)(thread + 1);
        else if (s->owner[var] != thread + 1) {
            s->owner[var] = 0xFD;
            s->grew = true;
        }
        return false;
    }
    touch_key(s, (uint64_t)var, access);
    return true;
}

static bool touch(struct sim *s, unsigned thread, int var, bool write)
{
    return enter(s, thread, var, write ? ACCESS_WRITE : ACCESS_READ);
}

static uint64_t enabled(void *context)
{
    struct sim *s = context;
    uint64_t mask = 0;
    if (s->now.violated)
        return 0;
    for (unsigned t = 0; t < s->program.threads; t++) {
        const struct sim_thread *th = &s->now.thread[t];
        const struct sim_op *op = &s->program.code[t][th->pc];
        bool on = op->kind != SIM_END && !th->off && !th->awaits;
        if (th->spins)
            on = on && s->now.var[th->await[0]] == 0;
        if (op->kind == SIM_WAIT)
            on = on && s->now.var[op->var] != 0;
        if (on)
            mask |= 1ull << t;
    }
    return mask;
}

/* Private operations up to the next shared one; false when a check fails. */
static bool run_private(struct sim *s, unsigned t)
{
    struct sim_thread *th = &s->now.thread[t];
    for (;;) {
        const struct sim_op *op = &s->program.code[t][th->pc];
        if (!is_private(op->kind))
            return true;
        th->pc++;
        bool bad = false;
        switch (op->kind) {
        case SIM_SET:
            th->reg[op->r] = (int16_t)op->imm;
            break;
        case SIM_MOVE:
            th->reg[op->r] = th->reg[op->other];
            break;
        case SIM_CALC:
            th->reg[op->r] = (int16_t)((th->reg[op->r] * op->imm + op->other) % op->var);
            break;
        case SIM_JZ:
            if (th->reg[op->r] == 0)
                th->pc = (uint16_t)op->imm;
            break;
        case SIM_JNZ:
            if (th->reg[op->r] != 0)
                th->pc = (uint16_t)op->imm;
            break;
        case SIM_JMP:
            th->pc = (uint16_t)op->imm;
            break;
        case SIM_CHECK:
            bad = th->reg[op->r] != 0;
            break;
        case SIM_CHECKZ:
            bad = th->reg[op->r] == 0;
            break;
        default:
            RD_ASSERT(!"not a private operation");
        }
        if (bad) {
            s->now.violated = true;
            s->now.stop_thread = (uint16_t)t;
            s->now.stop_pc = (uint16_t)(th->pc - 1);
            return false;
        }
    }
}

static unsigned trace_index(uint64_t key)
{
    return (key & FOOTPRINT_CPU) == FOOTPRINT_CPU ? SIM_VARS + (unsigned)(key & 31) : (unsigned)key;
}

static void trace_step(struct sim *s, unsigned t)
{
    struct hash128 h = hash_bytes(&s->trace.thread[t], sizeof s->trace.thread[t]);
    h = hash_chain(h, &s->now.thread[t], sizeof s->now.thread[t]);
    for (unsigned i = 0; i < s->footprint_count; i++) {
        unsigned k = trace_index(s->footprint[i].key);
        if (access_conflict(s->trace.key[k].kind, s->footprint[i].access)) {
            uint64_t past[2] = {s->trace.key[k].before, s->trace.key[k].sum};
            s->trace.key[k].before = hash_bytes(past, sizeof past).low;
            s->trace.key[k].sum = 0;
        }
        s->trace.key[k].kind = s->footprint[i].access;
        uint64_t access[2] = {s->footprint[i].access, s->trace.key[k].before};
        h = hash_chain(h, access, sizeof access);
    }
    s->trace.thread[t] = h.low;
    for (unsigned i = 0; i < s->footprint_count; i++) {
        unsigned k = trace_index(s->footprint[i].key);
        s->trace.key[k].sum += h.low * 2 + 1;
    }
}

static void stand_still(struct sim_thread *th, int a, int b)
{
    th->awaits = true;
    th->await[0] = (int16_t)a;
    th->await[1] = (int16_t)b;
}

/* One operation that is not private. True when the step ends with it. */
static bool run_shared(struct sim *s, unsigned t, const struct decider *d)
{
    struct sim_thread *th = &s->now.thread[t];
    const struct sim_op *op = &s->program.code[t][th->pc];
    int at = op->var + (op->indexed ? th->reg[op->other] : 0);
    int16_t *v = &s->now.var[at], *r = &th->reg[op->r];
    bool ends = true;
    th->pc++;
    switch (op->kind) {
    case SIM_LOAD:
        *r = *v;
        return touch(s, t, at, false);
    case SIM_STORE:
        *v = (int16_t)op->imm;
        return touch(s, t, at, true);
    case SIM_STORER:
        *v = *r;
        return touch(s, t, at, true);
    case SIM_ADD:
        *r = *v = (int16_t)(*v + op->imm);
        return touch(s, t, at, true);
    case SIM_BUMP:
        *v = (int16_t)(*v + op->imm);
        return enter(s, t, at, ACCESS_ADD4);
    case SIM_CAS:
        if (*v == op->imm) {
            *v = th->reg[1];
            *r = 1;
            return touch(s, t, at, true);
        }
        *r = 0;
        return touch(s, t, at, false);
    case SIM_IF:
        ends = touch(s, t, at, false);
        if (*v != 0) {
            s->now.var[op->imm]++;
            return touch(s, t, op->imm, true) || ends;
        }
        *r = s->now.var[op->other];
        return touch(s, t, op->other, false) || ends;
    case SIM_WAIT:
        return touch(s, t, at, false);
    case SIM_LOCK:
    case SIM_SPIN:
    case SIM_TAKE: {
        bool free = op->kind != SIM_TAKE ? *v == 0 : *v > 0;
        if (free) {
            *v = (int16_t)(op->kind != SIM_TAKE ? 1 : *v - 1);
            th->spins = false;
            return touch(s, t, at, true);
        }
        touch(s, t, at, false);
        th->pc--;
        if (op->kind == SIM_SPIN) {
            th->spins = true;
            th->await[0] = (int16_t)at;
        } else {
            stand_still(th, at, at);
        }
        return true;
    }
    case SIM_POLL:
        if (th->phase == 0) {
            th->phase = *v == 0;
            th->pc = (uint16_t)(th->pc - th->phase);
            return touch(s, t, at, false);
        }
        th->phase = 0;
        ends = touch(s, t, op->imm, false);
        if (s->now.var[op->imm] != 0)
            return ends;
        /* Whether to stand still depends on both. */
        touch(s, t, at, false);
        th->pc--;
        if (*v == 0)
            stand_still(th, at, op->imm);
        return true;
    case SIM_PUT:
        *r = *v = (int16_t)d->choose(d->context, t, 0, (uint32_t)op->imm);
        return touch(s, t, at, true);
    case SIM_PICK:
        if (d->choose(d->context, t, 0, 2) == 0) {
            *r = *v;
            return touch(s, t, at, false);
        }
        s->now.var[op->imm]++;
        return touch(s, t, op->imm, true);
    case SIM_START:
        s->now.thread[op->imm].off = false;
        touch_key(s, FOOTPRINT_CPU | (unsigned)op->imm, ACCESS_READ);
        return true;
    case SIM_CANCEL:
        if (!s->now.thread[op->imm].begun)
            s->now.thread[op->imm].off = true;
        touch_key(s, FOOTPRINT_CPU | (unsigned)op->imm, ACCESS_WRITE);
        return true;
    case SIM_CHOOSE:
        *r = (int16_t)d->choose(d->context, t, 0, (uint32_t)op->imm);
        return true;
    case SIM_CHOOSE2:
        *r = (int16_t)d->choose(d->context, t, 0, (uint32_t)op->imm);
        if (*r != 0)
            *r = (int16_t)(*r + 10 * (int)d->choose(d->context, t, 1, 2));
        return true;
    case SIM_SELF:
        *r = (int16_t)t;
        s->told_apart = true;
        return true;
    default:
        RD_ASSERT(!"not a shared operation");
    }
    return ends;
}

static struct step_result step(void *context, unsigned agent, const struct decider *d)
{
    struct sim *s = context;
    RD_ASSERT(enabled(s) & 1ull << agent);
    struct sim_thread *th = &s->now.thread[agent];
    enum machine_stop stop = STOP_NONE;
    s->footprint_count = 0;
    th->begun = true;
    if (s->program.cpu_keys)
        touch_key(s, FOOTPRINT_CPU | agent, ACCESS_WRITE);
    if (th->woken) {
        touch_key(s, (uint64_t)th->await[0], ACCESS_READ);
        touch_key(s, (uint64_t)th->await[1], ACCESS_READ);
        th->woken = false;
    }
    for (bool ends = false; !ends && stop == STOP_NONE;) {
        const struct sim_op *op = &s->program.code[agent][th->pc];
        if (op->kind == SIM_FREEZE)
            stop = STOP_UNIMPLEMENTED;
        if (stop != STOP_NONE || op->kind == SIM_END)
            break;
        /* A guard that is closed ends the step before it. */
        if (op->kind == SIM_WAIT && s->footprint_count > 0 && !(enabled(s) & 1ull << agent))
            break;
        ends = run_shared(s, agent, d);
        if (!run_private(s, agent))
            stop = STOP_VIOLATION;
    }
    if (s->program.states_are_traces)
        trace_step(s, agent);
    return (struct step_result){
        .stop = stop, .footprint = s->footprint, .footprint_count = s->footprint_count};
}

static bool waits_for_start(const struct sim *s, unsigned t)
{
    return s->now.thread[t].off;
}

static enum machine_stop quiescent(void *context)
{
    struct sim *s = context;
    for (unsigned t = 0; t < s->program.threads; t++)
        if (s->program.code[t][s->now.thread[t].pc].kind != SIM_END && !waits_for_start(s, t)) {
            s->now.violated = true;
            s->now.stop_thread = 0xFFFF;
            return STOP_VIOLATION;
        }
    return STOP_END;
}

static size_t trace_size(const struct sim *s)
{
    return s->program.states_are_traces ? sizeof s->trace : 0;
}

static unsigned push(void *context)
{
    struct sim *s = context;
    size_t each = s->size + trace_size(s);
    vec_reserve(&s->stack, (s->depth + 1) * each);
    memcpy(s->stack.data + s->depth * each, &s->now, s->size);
    memcpy(s->stack.data + s->depth * each + s->size, &s->trace, trace_size(s));
    return s->depth++;
}

static void restore(void *context, unsigned depth)
{
    struct sim *s = context;
    RD_ASSERT(depth < s->depth);
    size_t each = s->size + trace_size(s);
    memcpy(&s->now, s->stack.data + depth * each, s->size);
    memcpy(&s->trace, s->stack.data + depth * each + s->size, trace_size(s));
    s->depth = depth + 1;
}

static void drop(void *context, unsigned depth)
{
    struct sim *s = context;
    RD_ASSERT(depth < s->depth);
    s->depth = depth;
}

static void begin_execution(void *context)
{
    struct sim *s = context;
    s->begun++;
    for (unsigned i = 0; i < SIM_VARS; i++)
        if (s->owner[i] == 0xFD)
            s->owner[i] = 0xFF;
    s->grew = false;
}

static bool grew(void *context)
{
    return ((struct sim *)context)->grew;
}

static size_t found(void *context, uint64_t **out)
{
    struct sim *s = context;
    size_t count = 0;
    *out = calloc(SIM_VARS, sizeof **out);
    RD_ASSERT(*out != NULL);
    for (unsigned i = 0; i < SIM_VARS; i++)
        if (s->owner[i] == 0xFD)
            (*out)[count++] = i;
    return count;
}

static size_t shared(void *context, uint64_t **out)
{
    struct sim *s = context;
    size_t count = 0;
    *out = calloc(SIM_VARS, sizeof **out);
    RD_ASSERT(*out != NULL);
    for (unsigned i = 0; i < SIM_VARS; i++)
        if (s->owner[i] == 0xFF)
            (*out)[count++] = i;
    return count;
}

static void share(void *context, const uint64_t *vars, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (vars[i] < SIM_VARS)
            ((struct sim *)context)->owner[vars[i]] = 0xFF;
}

static struct hash128 state(void *context)
{
    struct sim *s = context;
    if (s->program.states_are_traces)
        return hash_bytes(s->trace.thread, sizeof s->trace.thread);
    if (s->program.states_are_memory)
        return hash_bytes(s->now.var, sizeof s->now.var);
    return hash_bytes(&s->now, s->size);
}

static void violation_key(void *context, char *out, size_t size)
{
    struct sim *s = context;
    RD_ASSERT(s->now.violated);
    if (s->now.stop_thread == 0xFFFF)
        snprintf(out, size, "hang");
    else
        snprintf(out, size, "T%u:%u", s->program.states_are_memory ? 0 : s->now.stop_thread, s->now.stop_pc);
}

static bool told_apart(void *context)
{
    return ((struct sim *)context)->told_apart;
}

struct sim *sim_create(const struct sim_program *p)
{
    struct sim *s = calloc(1, sizeof *s);
    RD_ASSERT(s != NULL);
    s->program = *p;
    s->size = offsetof(struct sim_state, var) + p->vars * sizeof s->now.var[0];
    for (unsigned i = 0; i < p->vars; i++)
        s->now.var[i] = (int16_t)p->init[i];
    for (unsigned t = 0; t < p->threads; t++) {
        s->now.thread[t].reg[3] = (int16_t)p->argument[t];
        s->now.thread[t].off = p->dormant >> t & 1;
        RD_ASSERT(run_private(s, t));
    }
    return s;
}

void sim_destroy(struct sim *s)
{
    free(s->stack.data);
    free(s);
}

uint64_t sim_begun(const struct sim *s)
{
    return s->begun;
}

struct subject sim_subject(struct sim *s)
{
    return (struct subject){
        .context = s,
        .enabled = enabled,
        .step = step,
        .quiescent = quiescent,
        .push = push,
        .restore = restore,
        .drop = drop,
        .begin_execution = begin_execution,
        .grew = grew,
        .found = found,
        .share = share,
        .shared = shared,
        .told_apart = told_apart,
        .state = state,
        .violation_key = violation_key,
    };
}
