/* Executions that follow a failing one up to a step and then go another way: see race_lab.h. */
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "debug/debugger.h"
#include "debug/race_lab.h"
#include "machine/arena.h"

#define REFINED_STEPS 40000u
#define TURN 200u /* steps that one processor gets in a row before others are asked */

static const struct race_place nowhere = {.thread = NO_THREAD};

/* --- what happens ---------------------------------------------------------------------------- */

/* Frames below the stack pointer have gone, also those that were left by a jump. */
static void forget_calls(struct lab_stack *s, gva_t sp)
{
    while (s->count > 0 && s->count <= LAB_CALLS && s->call[s->count - 1].sp < sp)
        s->count--;
}

static struct lab_call innermost(const struct lab_stack *s)
{
    return s->count > 0 && s->count <= LAB_CALLS ? s->call[s->count - 1] : (struct lab_call){0};
}

/* A call by way of a stub that jumps to the import is the caller's. */
static void find_caller(const struct machine *m, const struct machine_event *e, struct lab_call *call)
{
    uint8_t b[3] = {0, 0, 0}, before = 0;
    const struct machine_image *from = machine_image_at(m, e->pc), *back = machine_image_at(m, e->b);
    call->pc = e->pc;
    arena_read(e->pc, b, sizeof b);
    unsigned prefix = (b[0] & 0xF0) == 0x40;
    bool calls = b[prefix] == 0xE8 || (b[prefix] == 0xFF && (b[prefix + 1] >> 3 & 7) == 2);
    if (calls || from == NULL || from != back)
        return;
    call->is_return = !arena_read(e->b - 5, &before, 1) || before != 0xE8;
    call->pc = call->is_return ? e->b : e->b - 5;
}

static struct lab_call note_crossing(const struct machine *m, struct lab_stack *s, const struct machine_event *e, gva_t sp)
{
    struct lab_call call = innermost(s);
    if (e->kind == EVENT_RETURN) {
        s->count -= s->count > 0;
        forget_calls(s, sp);
        return call;
    }
    forget_calls(s, sp);
    if (e->kind == EVENT_CALL) {
        if (s->count < LAB_CALLS) {
            s->call[s->count] = (struct lab_call){.target = e->a, .sp = sp};
            find_caller(m, e, &s->call[s->count]);
        }
        s->count++;
    }
    return innermost(s);
}

static void hear(void *context, const struct machine *m, const struct machine_event *e)
{
    struct lab *l = context;
    unsigned thread = machine_thread_on(m, e->cpu);
    struct lab_moment moment = {l->step, e->kind, e->code, e->cpu, thread, e->pc, e->a, e->b, e->c, {0}, 0};
    if (thread < RD_MAX_STACKS) {
        struct lab_stack *s = &l->stacks[thread];
        if (e->kind == EVENT_GUEST && e->code == RD_EVENT_STEP_BEGIN)
            s->verb = (uint32_t)e->a + 1;
        moment.call = note_crossing(m, s, e, machine_cpu(m, e->cpu)->regs.gpr[REG_RSP]);
        moment.verb = s->verb;
    }
    vec_push(&l->moments, moment);
}

/* --- one execution --------------------------------------------------------------------------- */

static uint32_t answer(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    struct lab *l = context;
    size_t *at = l->follows ? &l->next_decision : &l->next_answer[agent % MACHINE_AGENTS];
    (void)kind;
    if (!l->follows)
        while (*at < l->decisions.count && !(l->decisions.data[*at].is_choice && l->decisions.data[*at].agent == agent))
            ++*at;
    if (*at >= l->decisions.count || !l->decisions.data[*at].is_choice)
        return 0;
    uint32_t value = l->decisions.data[(*at)++].value;
    return value < n ? value : 0;
}

void lab_open(struct lab *l, struct machine *m, unsigned root, const struct race_decision *decisions, size_t count)
{
    memset(l, 0, sizeof *l);
    l->m = m;
    l->root = root;
    for (size_t i = 0; i < count; i++)
        vec_push(&l->decisions, decisions[i]);
    l->watched_cpu = LAB_NOWHERE;
    struct observer o = {.context = l, .event = hear};
    check_observer(&o);
    machine_set_observer(m, &o);
    machine_set_decider(m, &(struct decider){l, answer});
}

static void forget_steps(struct lab *l)
{
    for (size_t i = 0; i < l->steps.count; i++)
        vec_free(&l->steps.data[i].footprint);
    vec_clear(&l->steps);
}

void lab_close(struct lab *l)
{
    forget_steps(l);
    vec_free(&l->steps);
    vec_free(&l->moments);
    vec_free(&l->accesses);
    vec_free(&l->decisions);
    machine_set_stops(l->m, NULL, 0);
}

static void note_access(struct lab *l, unsigned cpu, const struct debug_access *a)
{
    const struct vcpu *c = machine_cpu(l->m, cpu);
    const struct machine_image *image = machine_image_at(l->m, c->regs.rip);
    bool driver = image != NULL && !stack_is_ours(image);
    unsigned thread = machine_thread_on(l->m, cpu);
    bool stack = a->address - RD_STACK_BASE < RD_MAX_STACKS * RD_STACK_STRIDE;
    bool read = a->read && cpu == l->traced_cpu && driver && a->size == sizeof(uint64_t) && !stack;
    bool write = a->write && l->traced != 0 && l->traced - a->address < a->size;
    struct lab_access access = {l->step, cpu, {.thread = thread, .pc = c->regs.rip, .data = a->address, .write = write}, 0};
    if ((!read && !write) || !arena_read(a->address, &access.value, sizeof access.value))
        return;
    if (!driver && thread < RD_MAX_STACKS) {
        struct lab_call call = innermost(&l->stacks[thread]);
        access.place = lab_call_place(thread, &call);
    }
    vec_push(&l->accesses, access);
}

static bool look(void *context, unsigned cpu, uint64_t executed)
{
    struct lab *l = context;
    (void)executed;
    if (l->traces) {
        struct debug_access accesses[DEBUG_ACCESSES];
        unsigned n = debug_accesses(NULL, machine_cpu(l->m, cpu), accesses);
        for (unsigned i = 0; i < n; i++)
            note_access(l, cpu, &accesses[i]);
    }
    if (cpu == l->watched_cpu && machine_cpu(l->m, cpu)->regs.rip == l->watched_pc)
        l->reached = true;
    return false;
}

static struct step_result take(struct lab *l, unsigned agent)
{
    const struct machine_pause pause = {.count = ~0ull, .each = l->traces, .before = look, .context = l};
    struct step_result r;
    if (l->watched_cpu == LAB_NOWHERE && !l->traces)
        r = machine_step(l->m, agent);
    else
        while (!machine_step_part(l->m, agent, &pause, &r)) {
        }
    l->step++;
    return r;
}

enum machine_stop lab_step(struct lab *l, unsigned agent)
{
    return take(l, agent).stop;
}

void lab_trace(struct lab *l, unsigned cpu, gva_t address)
{
    l->traces = cpu != LAB_NOWHERE || address != 0;
    l->traced_cpu = cpu;
    l->traced = address;
    vec_clear(&l->accesses);
}

void lab_watch(struct lab *l, unsigned cpu, gva_t pc)
{
    l->watched_cpu = cpu;
    l->watched_pc = pc;
    l->reached = false;
    machine_set_stops(l->m, &pc, cpu != LAB_NOWHERE);
}

static void begin(struct lab *l)
{
    lab_watch(l, LAB_NOWHERE, 0);
    machine_restore(l->m, l->root);
    vec_clear(&l->moments);
    memset(l->stacks, 0, sizeof l->stacks);
    l->step = 0;
    l->next_decision = 0;
    l->follows = true;
}

static void end_following(struct lab *l)
{
    l->follows = false;
    for (unsigned i = 0; i < MACHINE_AGENTS; i++)
        l->next_answer[i] = l->next_decision;
}

bool lab_play(struct lab *l, uint32_t steps)
{
    begin(l);
    while (l->step < steps) {
        l->next_decision = l->steps.data[l->step].decision;
        unsigned agent = l->steps.data[l->step].agent;
        if (!(machine_enabled(l->m) >> agent & 1) || take(l, agent).stop != STOP_NONE)
            return false;
    }
    end_following(l);
    return true;
}

bool lab_play_all(struct lab *l)
{
    enum machine_stop stop = STOP_NONE;
    forget_steps(l);
    begin(l);
    while (stop == STOP_NONE && l->next_decision < l->decisions.count) {
        struct race_decision d = l->decisions.data[l->next_decision++];
        if (d.is_choice || d.agent >= MACHINE_AGENTS || !(machine_enabled(l->m) >> d.agent & 1))
            return false;
        struct lab_taken step = {.agent = d.agent, .cpu = machine_agent_cpu(l->m, d.agent), .decision = l->next_decision};
        struct step_result r = take(l, d.agent);
        step.retired = machine_cpu(l->m, step.cpu)->retired;
        for (unsigned i = 0; i < r.footprint_count; i++)
            vec_push(&step.footprint, r.footprint[i]);
        vec_push(&l->steps, step);
        stop = r.stop;
    }
    if (stop == STOP_NONE && machine_enabled(l->m) == 0)
        stop = machine_quiescent(l->m);
    end_following(l);
    return stop == STOP_VIOLATION;
}

/* Takes the present decisions' steps in as many parts as they now have. */
static bool cut(struct lab *l, const struct race_decision *old, size_t count, const struct lab_taken *steps, size_t step_count)
{
    enum machine_stop stop = STOP_NONE;
    vec_clear(&l->decisions);
    begin(l);
    for (size_t i = 0; i < step_count && stop == STOP_NONE; i++) {
        size_t choice = steps[i].decision;
        unsigned agent = steps[i].agent;
        bool more;
        do {
            if (!(machine_enabled(l->m) >> agent & 1))
                return false;
            vec_push(&l->decisions, (struct race_decision){0, (uint8_t)agent, 0});
            /* The answers come behind the step, for whichever part of it asks. */
            size_t at = l->next_decision = l->decisions.count;
            for (size_t k = choice; k < count && old[k].is_choice; k++)
                vec_push(&l->decisions, old[k]);
            stop = take(l, agent).stop;
            choice += l->next_decision - at;
            l->decisions.count = l->next_decision;
            /* The instruction that fails is not counted. */
            more = i + 1 == step_count ? machine_enabled(l->m) >> agent & 1
                                       : machine_cpu(l->m, steps[i].cpu)->retired < steps[i].retired;
        } while (stop == STOP_NONE && more && l->step < REFINED_STEPS);
    }
    return true;
}

#define REFINE_ROUNDS 8

bool lab_refine(struct lab *l)
{
    uint64_t *shared;
    size_t shared_count = machine_share_list(l->m, &shared), count = l->decisions.count;
    struct race_decision *first = malloc(count * sizeof *first + 1);
    RD_ASSERT(first != NULL);
    if (count > 0)
        memcpy(first, l->decisions.data, count * sizeof *first);
    machine_share_reset(l->m, shared, shared_count);
    bool good = lab_play_all(l), fine = good;
    gva_t pc = good ? machine_violation(l->m)->trouble.regs.rip : 0;
    for (int round = 0; round < REFINE_ROUNDS && fine && machine_sharing_grew(l->m); round++) {
        size_t old_count = l->decisions.count, step_count = l->steps.count;
        struct race_decision *old = l->decisions.data;
        struct lab_taken *steps = l->steps.data;
        memset(&l->decisions, 0, sizeof l->decisions);
        memset(&l->steps, 0, sizeof l->steps);
        machine_restore(l->m, l->root);
        machine_begin_execution(l->m);
        fine = cut(l, old, old_count, steps, step_count) && lab_play_all(l) &&
               machine_violation(l->m)->trouble.regs.rip == pc;
        for (size_t i = 0; i < step_count; i++)
            vec_free(&steps[i].footprint);
        free(steps);
        free(old);
    }
    if (good && !fine) { /* finer steps are another execution */
        vec_clear(&l->decisions);
        for (size_t i = 0; i < count; i++)
            vec_push(&l->decisions, first[i]);
        machine_restore(l->m, l->root);
        machine_share_reset(l->m, shared, shared_count);
        good = lab_play_all(l);
    }
    free(shared);
    free(first);
    return good;
}

/* --- going another way ----------------------------------------------------------------------- */

static uint64_t without(const struct lab *l, uint64_t enabled, uint64_t held)
{
    for (unsigned agent = 0; agent < MACHINE_AGENTS; agent++)
        if (enabled >> agent & 1 && held >> machine_agent_cpu(l->m, agent) & 1)
            enabled &= ~(1ull << agent);
    return enabled;
}

/* Whoever ran last goes on, not for ever; time passes only when nobody else can go on, or for the sake of fairness. */
static unsigned next_agent(uint64_t enabled, unsigned last, unsigned *turn)
{
    if (last < MACHINE_AGENTS && enabled >> last & 1 && last != 0 && ++*turn < TURN)
        return last;
    bool fair = *turn >= TURN;
    *turn = 0;
    uint64_t others = enabled & ~1ull;
    if (others == 0)
        return 0;
    if (fair && enabled & 1)
        return 0;
    uint64_t above = last + 1 < MACHINE_AGENTS ? others >> (last + 1) << (last + 1) : 0;
    return (unsigned)__builtin_ctzll(above != 0 ? above : others);
}

enum lab_end lab_run(struct lab *l, uint64_t held, unsigned first, uint32_t limit, bool (*goal)(void *context), void *context)
{
    unsigned last = MACHINE_AGENTS - 1, turn = 0;
    size_t follow = l->step;
    for (uint32_t n = 0;; n++) {
        if (goal(context))
            return LAB_GOAL;
        uint64_t enabled = without(l, machine_enabled(l->m), held);
        if (enabled == 0)
            return LAB_STUCK;
        if (n >= limit)
            return LAB_LIMIT;
        unsigned agent = MACHINE_AGENTS;
        if (first != LAB_NOWHERE && first != 0 && enabled >> first & 1)
            agent = first;
        while (first == LAB_NOWHERE && agent == MACHINE_AGENTS && follow < l->steps.count) {
            unsigned a = l->steps.data[follow++].agent;
            if (enabled >> a & 1)
                agent = a;
        }
        if (agent == MACHINE_AGENTS)
            agent = next_agent(enabled, last, &turn);
        last = agent;
        if (take(l, agent).stop != STOP_NONE)
            return goal(context) ? LAB_GOAL : LAB_STOPPED;
    }
}

uint64_t lab_scenario_cpus(const struct lab *l)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < machine_thread_count(l->m); i++) {
        struct rd_thread t;
        if (machine_thread(l->m, i, &t) && !(t.flags & RD_THREAD_SYSTEM) && t.scenario_index != NO_THREAD &&
            t.cpu < RD_MAX_CPUS)
            mask |= 1ull << t.cpu;
    }
    return mask;
}

/* --- places ---------------------------------------------------------------------------------- */

struct race_place lab_call_place(unsigned thread, const struct lab_call *call)
{
    if (call->target == 0)
        return nowhere;
    return (struct race_place){.thread = thread, .pc = call->pc, .is_return = call->is_return, .target = call->target};
}

struct race_place lab_place(const struct lab_moment *moments, size_t count, uint32_t step, unsigned cpu)
{
    struct race_place p = nowhere;
    for (size_t i = 0; i < count; i++) {
        const struct lab_moment *m = &moments[i];
        if (m->step != step || m->cpu != cpu)
            continue;
        if (m->kind == EVENT_SHARED)
            p = (struct race_place){.thread = m->thread, .pc = m->pc, .data = m->a, .write = m->c != 0};
        else if (m->kind == EVENT_CALL || m->kind == EVENT_RETURN || (m->kind == EVENT_STEP && p.pc == 0 && m->call.target != 0))
            p = lab_call_place(m->thread, &m->call);
        else if (p.thread == NO_THREAD)
            p = (struct race_place){.thread = m->thread, .verb = m->verb};
    }
    return p;
}
