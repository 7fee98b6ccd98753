/*
 * The search for a race: which teardown the violation owes itself to, whether the use could have come before it, and what the
 * teardown waits for. Each claim is an experiment (race_lab.h):
 *
 *   - The use can come first: with the one who tears down held in front of the teardown, the other one gets to the same
 *     instruction, and nothing happens to it there.
 *   - The teardown waits for a step: with the user held in front of that step, nobody gets to the teardown.
 *   - The user is on its way to the use from some step on: left alone there, it gets to it. Earlier steps have nothing to do with
 *     this use.
 */
#include <stdlib.h>
#include <string.h>

#include "abi/shadow.h"
#include "debug/race_lab.h"
#include "machine/arena.h"

#define STATUS_TIMEOUT 0x102u
#define STATUS_ACCESS_VIOLATION 0xC0000005u
#define STEP_LIMIT 20000u     /* longer failures are left unexplained */
#define HOLDS 4096u           /* more than machine_hold has */
#define RUN_LIMIT 3000u       /* steps of an experiment behind what it follows */
#define PASS_STEPS 20u        /* of the user behind the instruction that must not fail */
#define READ_STEPS 6u         /* of the user, the latest ones, whose reads are looked at */
#define TRACE_LIMIT 2000u     /* steps of which every instruction is looked at */
#define VALUE_LIMIT 8u        /* reads of the user that are looked at, the latest ones */
#define RELEASE_LIMIT 64u     /* steps of the user that are tried, the latest ones; fewer in long executions */
#define RELEASE_WORK 200000u

struct search {
    struct lab lab;
    struct race *race;
    struct violation *violation;
    VEC(struct lab_moment) moments; /* of the failing execution */
    gva_t function; /* RACE_FRAME: whose frame, as machine_hold has it */
    uint32_t torn; /* the step that tore down */
    unsigned tearer, user;        /* processors */
    unsigned tearer_thread, user_thread;
    uint64_t value; /* RACE_DATA: what was read */
};

/* --- the object ------------------------------------------------------------------------------ */

/* The frame's holds; the one that the violation is about may not be there yet, or have become another. */
static bool find_hold(const struct search *s, struct machine_hold *out)
{
    for (unsigned i = 0; i < HOLDS; i++)
        if (machine_hold(s->lab.m, i, out) && out->slot == s->race->object && out->function == s->function)
            return true;
    return false;
}

/* What the violation says was gone. */
static enum race_kind find_object(struct search *s)
{
    const struct trouble *t = &s->violation->trouble;
    const struct machine *m = s->lab.m;
    struct machine_pool_block block;
    struct machine_hold hold;
    bool refused = t->kind == TROUBLE_EXECUTE || t->kind == TROUBLE_ACCESS;
    if (refused && t->shadow == RD_SHADOW_UNLOADED) {
        const struct machine_image *image = machine_image_at(m, t->address);
        s->race->object = image != NULL ? image->base : 0;
        return image != NULL ? RACE_IMAGE : RACE_NONE;
    }
    if (refused && t->shadow == RD_SHADOW_POOL_FREED && machine_pool_block(m, t->address, &block) && block.freed) {
        s->race->object = block.address;
        return RACE_POOL;
    }
    if (t->kind == TROUBLE_DEAD_FRAME && machine_hold(m, (unsigned)t->arg[0], &hold) && hold.ended) {
        s->race->object = hold.slot;
        s->function = hold.function;
        return RACE_FRAME;
    }
    return RACE_NONE;
}

static bool is_torn_down(void *context)
{
    const struct search *s = context;
    const struct machine *m = s->lab.m;
    struct machine_pool_block block;
    struct machine_hold hold;
    switch (s->race->kind) {
    case RACE_IMAGE:
        for (unsigned i = 0; i < machine_image_count(m); i++) {
            const struct machine_image *image = machine_image(m, i);
            if (image != NULL && image->base == s->race->object)
                return !image->loaded;
        }
        return false;
    case RACE_POOL:
        return machine_pool_block(m, s->race->object, &block) && block.address == s->race->object && block.freed;
    case RACE_FRAME:
        return find_hold(s, &hold) && hold.ended;
    case RACE_DATA:
    case RACE_NONE:
        break;
    }
    return false;
}

/* Plays the failing execution again, and finds the step after which the object is gone. */
static bool find_teardown(struct search *s)
{
    struct lab *l = &s->lab;
    uint32_t last = (uint32_t)l->steps.count - 1; /* the violating one */
    uint32_t low = 0, high = last;
    if (!lab_play(l, last) || !is_torn_down(s))
        return false;
    while (low + 1 < high) { /* after `low` steps it is there, after `high` it is gone */
        uint32_t middle = low + (high - low) / 2;
        if (!lab_play(l, middle))
            return false;
        if (is_torn_down(s))
            high = middle;
        else
            low = middle;
    }
    s->torn = low;
    s->tearer = l->steps.data[low].cpu;
    /* A thread may have come or gone with that step: whoever did something in it, else who was there. */
    lab_play(l, low);
    s->tearer_thread = machine_thread_on(l->m, s->tearer);
    for (size_t i = 0; i < s->moments.count; i++) {
        const struct lab_moment *m = &s->moments.data[i];
        if (m->step == low && m->cpu == s->tearer && (m->kind == EVENT_IMAGE || m->kind == EVENT_CALL))
            s->tearer_thread = m->thread;
    }
    return true;
}

/* Whether the object is there before the step: what a step makes, it does not release. */
static bool exists(struct search *s, uint32_t step)
{
    struct machine_pool_block block;
    struct machine_hold hold;
    if (!lab_play(&s->lab, step))
        return false;
    switch (s->race->kind) {
    case RACE_POOL:
        return machine_pool_block(s->lab.m, s->race->object, &block) && block.address == s->race->object;
    case RACE_FRAME:
        return find_hold(s, &hold);
    case RACE_IMAGE:
    case RACE_DATA:
    case RACE_NONE:
        break;
    }
    return true;
}

static void describe_teardown(struct search *s)
{
    struct race *r = s->race;
    struct machine_pool_block block;
    r->teardown = (struct race_place){.thread = s->tearer_thread};
    if (r->kind == RACE_IMAGE) {
        for (size_t i = 0; i < s->moments.count && s->moments.data[i].step <= s->torn; i++) {
            const struct lab_moment *m = &s->moments.data[i];
            const struct machine_image *image = machine_image_at(s->lab.m, m->b);
            if (m->kind == EVENT_GUEST && m->code == RD_EVENT_UNLOAD_ROUTINE && image != NULL && image->base == r->object)
                r->routine = m->b;
        }
    } else if (r->kind == RACE_POOL && machine_pool_block(s->lab.m, r->object, &block)) {
        struct race_place p = lab_place(s->moments.data, s->moments.count, s->torn, s->tearer);
        if (p.target != 0 && block.freed_by - p.pc < 16)
            r->teardown = p;
        else
            r->teardown.pc = block.freed_by, r->teardown.is_return = true;
    } else if (r->kind == RACE_FRAME) {
        r->teardown.pc = s->function;
        r->teardown.is_return = true;
    }
}

/* --- experiments ----------------------------------------------------------------------------- */

static bool has_reached(void *context)
{
    return ((struct search *)context)->lab.reached;
}

static uint32_t run_limit(const struct search *s)
{
    return RUN_LIMIT + (uint32_t)s->lab.steps.count;
}

/* The other order: can the use come first? */
static bool use_can_come_first(struct search *s)
{
    struct lab *l = &s->lab;
    if (!lab_play(l, s->torn))
        return false;
    lab_watch(l, s->user, s->violation->trouble.regs.rip);
    return lab_run(l, 1ull << s->tearer, s->user, run_limit(s), has_reached, s) == LAB_GOAL;
}

/* Whether the user, in front of its step, is already on its way to the use: nobody but the system's threads helps it. */
static bool on_its_way(struct search *s, uint32_t step)
{
    struct lab *l = &s->lab;
    if (!lab_play(l, step))
        return false;
    uint64_t held = (lab_scenario_cpus(l) | 1ull << s->tearer) & ~(1ull << s->user);
    lab_watch(l, s->user, s->violation->trouble.regs.rip);
    return lab_run(l, held, s->user, run_limit(s), has_reached, s) == LAB_GOAL;
}

static bool comes_without(struct search *s, uint32_t step, enum lab_end *end)
{
    struct lab *l = &s->lab;
    if (!lab_play(l, step))
        return true;
    *end = lab_run(l, 1ull << s->user, LAB_NOWHERE, run_limit(s), is_torn_down, s);
    return *end == LAB_GOAL;
}

/* --- what the teardown waits for ------------------------------------------------------------- */

/* Where a loop of the one who tears down looks at what the user's step wrote: the first time that it does so behind it. */
static struct race_place find_look(const struct search *s, uint32_t step)
{
    const struct race_place none = {.thread = NO_THREAD};
    for (uint32_t i = step + 1; i <= s->torn; i++) {
        const struct lab_taken *e = &s->lab.steps.data[step], *f = &s->lab.steps.data[i];
        if (f->cpu != s->tearer)
            continue;
        for (size_t k = 0; k < f->footprint.count; k++)
            for (size_t j = 0; j < e->footprint.count; j++) {
                uint64_t key = e->footprint.data[j].key;
                if (key != f->footprint.data[k].key || e->footprint.data[j].access == ACCESS_READ || key >> 62 == 1)
                    continue;
                struct race_place p = lab_place(s->moments.data, s->moments.count, i, s->tearer);
                if (p.target != 0 || (p.pc != 0 && (p.data & ~7ull) == key << 3))
                    return p;
            }
    }
    return none;
}

/* The machine stands where the teardown cannot be reached. */
static void describe_wait(struct search *s, uint32_t step, enum lab_end end)
{
    struct race *r = s->race;
    struct rd_thread t;
    const struct lab_stack *stack = s->tearer_thread < RD_MAX_STACKS ? &s->lab.stacks[s->tearer_thread] : NULL;
    r->release = lab_place(s->moments.data, s->moments.count, step, s->user);
    r->wait.thread = NO_THREAD;
    if (stack == NULL || !machine_thread(s->lab.m, s->tearer_thread, &t))
        return;
    bool waits = t.state == RD_THREAD_WAITING && t.wait_type != RD_WAIT_DELAY && end == LAB_STUCK;
    if (waits && stack->count > 0 && stack->count <= LAB_CALLS) {
        r->wait = lab_call_place(s->tearer_thread, &stack->call[stack->count - 1]);
        r->wait_type = t.wait_type;
        r->wait_object = t.wait_object;
    } else if (!waits) {
        r->wait = find_look(s, step);
    }
}

static uint32_t find_release(struct search *s)
{
    unsigned tried = 0, limit = RELEASE_WORK / (unsigned)s->lab.steps.count;
    limit = limit < 2 ? 2 : limit > RELEASE_LIMIT ? RELEASE_LIMIT : limit;
    for (uint32_t step = s->torn; step-- > 0;) {
        enum lab_end end = LAB_GOAL;
        if (s->lab.steps.data[step].agent != s->user)
            continue;
        if (tried++ == limit)
            return LAB_NOWHERE;
        if (!exists(s, step) || !on_its_way(s, step))
            break;
        if (!comes_without(s, step, &end)) {
            if (end == LAB_STOPPED)
                return LAB_NOWHERE;
            describe_wait(s, step, end);
            s->race->waits_known = end == LAB_STUCK || s->race->wait.thread != NO_THREAD; /* else it may only take long */
            if (s->race->waits_known)
                return step;
            s->race->release.thread = NO_THREAD;
            return LAB_NOWHERE;
        }
    }
    s->race->waits_known = true;
    return LAB_NOWHERE;
}

/* The last wait in a driver's call on the way to the teardown, if nothing but time ended it. */
static void find_expired(struct search *s, uint32_t after)
{
    struct race *r = s->race;
    struct rd_thread t;
    const struct lab_moment *wait = NULL;
    if (!machine_thread(s->lab.m, s->tearer_thread, &t))
        return;
    for (size_t i = 0; i < s->moments.count && s->moments.data[i].step <= s->torn; i++) {
        const struct lab_moment *m = &s->moments.data[i];
        if (m->kind != EVENT_GUEST || (after != LAB_NOWHERE && m->step <= after))
            continue;
        if (m->code == RD_EVENT_WAIT && m->thread == s->tearer_thread) {
            wait = m->call.target != 0 ? m : NULL;
        } else if (m->code == RD_EVENT_WAKE && m->a == t.kthread && wait != NULL) {
            bool delay = wait->c == RD_WAIT_DELAY;
            r->expired = (struct race_place){.thread = NO_THREAD};
            if ((uint32_t)m->b == STATUS_TIMEOUT || (delay && (uint32_t)m->b == 0)) {
                r->expired = lab_call_place(wait->thread, &wait->call);
                r->expired_type = (uint32_t)wait->c;
                r->expired_object = wait->a;
            }
            wait = NULL;
        }
    }
}

static bool has_signalled(void *context)
{
    const struct search *s = context;
    const struct lab *l = &s->lab;
    for (size_t i = l->moments.count; i-- > 0 && l->moments.data[i].step + 1 >= l->step;) {
        const struct lab_moment *m = &l->moments.data[i];
        if (m->kind == EVENT_GUEST && m->code == RD_EVENT_SIGNAL && m->a == s->race->expired_object && m->thread == s->user_thread &&
            m->step >= s->torn) {
            s->race->late = lab_call_place(m->thread, &m->call);
            return true;
        }
    }
    return false;
}

/* Whether the user would have signalled what the other one stopped waiting for. */
static void find_late(struct search *s)
{
    if (s->race->expired.thread == NO_THREAD || s->race->expired_object == 0 || !use_can_come_first(s))
        return;
    lab_run(&s->lab, 1ull << s->tearer, s->user, run_limit(s), has_signalled, s);
}

/* --- values ---------------------------------------------------------------------------------- */

#define NEAR 0x1000u /* from a structure's address to what is accessed in it */

static bool faulting_address(const struct violation *v, gva_t *out)
{
    const struct trouble *t = &v->trouble;
    *out = t->address;
    return t->kind == TROUBLE_FAULT || (t->kind == TROUBLE_ACCESS && t->shadow == RD_SHADOW_UNMAPPED) ||
           (t->kind == TROUBLE_UNHANDLED && t->record.code == STATUS_ACCESS_VIOLATION);
}

static bool value_changed(void *context)
{
    const struct search *s = context;
    uint64_t now;
    return arena_read(s->race->object, &now, sizeof now) && now != s->value;
}

/* Whether the user, going on alone, passes the instruction that failed. */
static bool user_passes(struct search *s, uint64_t held)
{
    struct lab *l = &s->lab;
    lab_watch(l, s->user, s->violation->trouble.regs.rip);
    if (lab_run(l, held, s->user, run_limit(s), has_reached, s) != LAB_GOAL)
        return false;
    /* An exception takes a few steps to be nobody's. */
    for (unsigned i = 0; i < PASS_STEPS && machine_enabled(l->m) >> s->user & 1; i++)
        if (lab_step(l, s->user) != STOP_NONE)
            break;
    const struct violation *v = machine_violation(l->m);
    return v == NULL || v->trouble.regs.rip != s->violation->trouble.regs.rip;
}

/* The write that comes behind the read here could have come before it, and then nothing happens. */
static bool write_is_late(struct search *s, const struct lab_access *read)
{
    struct lab *l = &s->lab;
    uint64_t held = 1ull << s->user;
    if (!lab_play(l, read->step) || lab_run(l, held, LAB_NOWHERE, run_limit(s), value_changed, s) != LAB_GOAL ||
        !user_passes(s, 0) || !lab_play(l, read->step))
        return false;
    lab_trace(l, LAB_NOWHERE, read->place.data); /* who writes */
    lab_run(l, held, LAB_NOWHERE, run_limit(s), value_changed, s);
    if (l->accesses.count > 0)
        s->race->teardown = l->accesses.data[l->accesses.count - 1].place;
    lab_trace(l, LAB_NOWHERE, 0);
    s->race->late_write = true;
    return s->race->teardown.thread != NO_THREAD && s->race->teardown.thread != s->user_thread;
}

/* The write that came before the read could have come behind it, and then nothing happens. */
static bool write_is_early(struct search *s, const struct lab_access *read)
{
    struct lab *l = &s->lab;
    if (read->step > TRACE_LIMIT)
        return false;
    lab_trace(l, LAB_NOWHERE, read->place.data);
    bool played = lab_play(l, read->step) && l->accesses.count > 0;
    struct lab_access write = played ? l->accesses.data[l->accesses.count - 1] : *read;
    lab_trace(l, LAB_NOWHERE, 0);
    if (!played || write.cpu == s->user || write.place.thread == s->user_thread || write.place.thread == NO_THREAD)
        return false;
    s->race->teardown = write.place;
    s->race->late_write = false;
    return lab_play(l, write.step) && user_passes(s, 1ull << write.cpu);
}

/* What the user read in its last steps, the violating one included. */
static size_t latest_reads(struct search *s, struct lab_access **out)
{
    struct lab *l = &s->lab;
    uint32_t count = (uint32_t)l->steps.count, first = count;
    unsigned own = 0;
    while (first > 0 && own < READ_STEPS)
        own += l->steps.data[--first].agent == s->user;
    if (!lab_play(l, first))
        return 0;
    lab_trace(l, s->user, 0);
    while (l->step < count) {
        l->next_decision = l->steps.data[l->step].decision;
        unsigned agent = l->steps.data[l->step].agent;
        if (!(machine_enabled(l->m) >> agent & 1) || lab_step(l, agent) != STOP_NONE)
            break;
    }
    size_t n = l->accesses.count;
    *out = malloc(n * sizeof **out + 1);
    RD_ASSERT(*out != NULL);
    if (n > 0)
        memcpy(*out, l->accesses.data, n * sizeof **out);
    lab_trace(l, LAB_NOWHERE, 0);
    return n;
}

/* The pointer that led nowhere was read from a place that another thread writes, too late or too early here. */
static bool find_data(struct search *s)
{
    struct lab_access *reads = NULL;
    gva_t address;
    bool found = false;
    if (!faulting_address(s->violation, &address))
        return false;
    size_t n = latest_reads(s, &reads);
    unsigned tried = 0;
    for (size_t i = n; i-- > 0 && !found && tried < VALUE_LIMIT;) {
        if (address - reads[i].value >= NEAR)
            continue;
        tried++;
        s->race->object = reads[i].place.data;
        s->value = reads[i].value;
        found = write_is_late(s, &reads[i]) || write_is_early(s, &reads[i]);
        if (found)
            s->race->use = reads[i].place;
    }
    s->race->kind = found ? RACE_DATA : RACE_NONE;
    free(reads);
    return found;
}

static void explain(struct search *s)
{
    struct race *r = s->race;
    enum race_kind kind = find_object(s);
    s->user = s->violation->trouble.cpu;
    s->user_thread = machine_thread_on(s->lab.m, s->user);
    r->kind = kind;
    if (kind == RACE_NONE && find_data(s))
        return;
    if (kind == RACE_NONE || !find_teardown(s))
        goto nothing;
    if (s->tearer == s->user || s->tearer_thread == s->user_thread || !use_can_come_first(s))
        goto nothing;
    lab_play_all(&s->lab);
    describe_teardown(s);
    r->use = (struct race_place){.thread = s->user_thread, .pc = s->violation->trouble.regs.rip};
    uint32_t release = LAB_NOWHERE;
    if (s->user != 0) /* without the clock's processor nothing that takes time would come */
        release = find_release(s);
    find_expired(s, release);
    find_late(s);
    return;
nothing:
    r->kind = RACE_NONE;
}

void race_find(struct machine *m, unsigned root, const struct race_decision *decisions, size_t count, struct race *out)
{
    const struct race_place nowhere = {.thread = NO_THREAD};
    struct search *s = calloc(1, sizeof *s);
    RD_ASSERT(s != NULL);
    *out = (struct race){.teardown = nowhere, .use = nowhere, .release = nowhere, .wait = nowhere, .expired = nowhere, .late = nowhere};
    s->race = out;
    s->violation = malloc(sizeof *s->violation);
    RD_ASSERT(s->violation != NULL);
    lab_open(&s->lab, m, root, decisions, count);
    if (count <= STEP_LIMIT && lab_refine(&s->lab) && s->lab.steps.count > 0 && s->lab.steps.count <= STEP_LIMIT) {
        *s->violation = *machine_violation(m);
        for (size_t i = 0; i < s->lab.moments.count; i++)
            vec_push(&s->moments, s->lab.moments.data[i]);
        explain(s);
    }
    lab_close(&s->lab);
    vec_free(&s->moments);
    free(s->violation);
    free(s);
}
