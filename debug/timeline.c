/*
 * Walking an execution. Snapshots are a stack (machine_push), so going back forgets the checkpoints behind the place;
 * going forward makes them again. They lie at ends of steps, where the machine's state is all in guest memory.
 *
 * A part of a step that was walked instruction by instruction is the same execution with other block boundaries. To be
 * certain of it, each step's hash is compared with the one of the first, undisturbed pass, and the final state with the
 * first one; whatever differs is walked again undisturbed from a checkpoint before it.
 */
#include <stdlib.h>
#include <string.h>

#include "debug/timeline_internal.h"

/* A checkpoint a million instructions: a jump replays half of that, some milliseconds. Each costs the pages that were
 * written since the one before; when there are many, they get sparser, so that memory grows with the logarithm. */
#define SPACING_INSTRUCTIONS 1000000u
#define SPACING_STEPS 2000u
#define CHECKPOINTS_BEFORE_SPARSER 128u
#define BOOT_STEPS 1000000u

/* --- one step ------------------------------------------------------------------------------- */

static uint32_t answer(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    struct timeline *t = context;
    (void)kind;
    (void)agent;
    if (t->next_decision >= t->decision_count || !t->decisions[t->next_decision].is_choice ||
        t->decisions[t->next_decision].value >= n) {
        t->bad_decision = true;
        return 0;
    }
    return t->decisions[t->next_decision++].value;
}

static void set_mode(struct timeline *t)
{
    machine_set_sharing(t->m, t->step >= t->boot_steps);
}

void timeline_marks_back(struct timeline *t)
{
    for (size_t i = 0; i < t->watched.count; i++) {
        struct watched_page *p = &t->watched.data[i];
        t->seen_written |= *p->dirty != 0;
        *p->dirty |= p->kept;
        p->kept = 0;
    }
}

static void add_checkpoint(struct timeline *t)
{
    timeline_marks_back(t);
    vec_push(&t->checkpoints, (struct checkpoint){t->step, machine_push(t->m)});
}

static uint64_t instructions_before(const struct timeline *t, uint64_t step)
{
    return step < t->steps.count ? t->steps.data[step].start : t->total;
}

/* At the end of a step: time for another checkpoint? */
static void maybe_checkpoint(struct timeline *t)
{
    const struct checkpoint *last = &t->checkpoints.data[t->checkpoints.count - 1];
    unsigned sparser = (unsigned)(t->checkpoints.count / CHECKPOINTS_BEFORE_SPARSER);
    if (sparser > 20)
        sparser = 20;
    if (t->step > last->step &&
        (t->step == t->boot_steps || instructions_before(t, t->step) - instructions_before(t, last->step) >= (uint64_t)SPACING_INSTRUCTIONS << sparser ||
         t->step - last->step >= (uint64_t)SPACING_STEPS << sparser))
        add_checkpoint(t);
}

/* The step's end has been reached in the machine; walks on to the boundary. */
static void step_ended(struct timeline *t, enum machine_stop stop, uint64_t retired)
{
    if (stop != STOP_NONE) {
        t->over = true;
        t->n = retired;
        return;
    }
    t->step++;
    t->n = 0;
    t->inside = false;
    if (t->step == t->boot_steps) {
        machine_boot_finish(t->m);
        set_mode(t);
    }
}

/* --- going back ------------------------------------------------------------------------------ */

void timeline_rewind(struct timeline *t, uint64_t step)
{
    timeline_marks_back(t);
    size_t k = t->checkpoints.count;
    while (k > 1 && t->checkpoints.data[k - 1].step > step)
        k--;
    const struct checkpoint *c = &t->checkpoints.data[k - 1];
    t->checkpoints.count = k;
    machine_restore(t->m, c->depth);
    t->step = c->step;
    t->n = 0;
    t->inside = false;
    t->over = false;
    t->disturbed = false;
    t->next_decision = t->step < t->steps.count ? t->steps.data[t->step].first_decision : t->decision_count;
    set_mode(t);
}

/* --- going forward --------------------------------------------------------------------------- */

struct walk {
    struct timeline *t;
    const struct timeline_search *search;
    struct timeline_position begin;
    bool first; /* ask about `begin` too */
    bool arrived;
};

static bool ask(void *context, unsigned cpu, uint64_t executed)
{
    struct walk *w = context;
    struct timeline_position at = {w->t->step, executed};
    int order = timeline_compare(at, w->begin);
    if (order < 0 || (order == 0 && !w->first))
        return false;
    w->arrived = w->search->hit(w->search->context, cpu, at);
    return w->arrived;
}

static bool is_end(const struct timeline *t, struct timeline_position p)
{
    return timeline_compare(p, timeline_end(t)) >= 0;
}

/* Walks whole steps up to `step`, undisturbed, from the nearest checkpoint. */
static void walk_undisturbed(struct timeline *t, uint64_t step, bool to_end)
{
    timeline_rewind(t, step);
    if (to_end && step == 0)
        RD_ASSERT(t->step == 0);
    machine_set_stops(t->m, NULL, 0);
    const struct machine_pause none = {.count = ~0ull};
    while (!t->over && (t->step < step || to_end)) {
        if (t->step == t->steps.count) {
            machine_quiescent(t->m);
            t->over = true;
            break;
        }
        const struct step_record *r = &t->steps.data[t->step];
        struct step_result result;
        if (t->step >= t->boot_steps)
            t->next_decision = r->first_decision;
        RD_ASSERT(machine_step_part(t->m, r->agent, &none, &result));
        RD_ASSERT(hash_equal(result.hash, r->hash));
        step_ended(t, result.stop, result.retired);
        if (!t->over)
            maybe_checkpoint(t);
    }
}

bool timeline_walk(struct timeline *t, struct timeline_position target, const struct timeline_search *search, bool first)
{
    struct walk w = {t, search, timeline_now(t), first, false};
    struct machine_pause pause = {.count = ~0ull, .context = &w};
    if (search != NULL) {
        pause.before = ask;
        pause.each = search->each;
    }
    machine_set_stops(t->m, search != NULL ? search->stops : NULL, search != NULL ? search->stop_count : 0);
    bool to_end = is_end(t, target);
    while (!t->over && (to_end || timeline_compare(timeline_now(t), target) < 0)) {
        if (t->step == t->steps.count) {
            machine_quiescent(t->m);
            t->over = true;
            break;
        }
        const struct step_record *r = &t->steps.data[t->step];
        struct step_result result;
        pause.count = t->step == target.step && !to_end ? target.n : ~0ull;
        /* Undisturbed, a step is over at the latest when so many instructions have been executed. */
        bool last = t->step + 1 == t->steps.count && !t->quiescent;
        if (t->n > 0 || search != NULL || t->disturbed) {
            t->disturbed = true;
            if (!last && pause.count > r->retired)
                pause.count = r->retired + 1;
        }
        if (!t->inside && t->step >= t->boot_steps)
            t->next_decision = r->first_decision;
        t->inside = true;
        bool ended = machine_step_part(t->m, r->agent, &pause, &result);
        t->n = machine_step_executed(t->m);
        if (!ended && t->n <= r->retired) {
            t->disturbed = true;
            return w.arrived;
        }
        if (!ended || !hash_equal(result.hash, r->hash)) {
            RD_ASSERT(t->disturbed);
            t->repairs++;
            uint64_t step = t->step;
            walk_undisturbed(t, step + 1, last);
            machine_set_stops(t->m, search != NULL ? search->stops : NULL, search != NULL ? search->stop_count : 0);
            continue;
        }
        step_ended(t, result.stop, result.retired);
        if (!t->over)
            maybe_checkpoint(t);
    }
    if (t->over && t->disturbed && !hash_equal(machine_state_hash(t->m), t->final)) {
        t->repairs++;
        walk_undisturbed(t, 0, true);
        RD_ASSERT(hash_equal(machine_state_hash(t->m), t->final));
    }
    return false;
}

void timeline_goto(struct timeline *t, struct timeline_position p)
{
    if (is_end(t, p))
        p = timeline_end(t);
    if (timeline_compare(p, timeline_now(t)) == 0 && (t->over || !is_end(t, p)))
        return;
    if (timeline_compare(p, timeline_now(t)) < 0)
        timeline_rewind(t, p.step);
    timeline_walk(t, p, NULL, false);
}

/* --- the first pass -------------------------------------------------------------------------- */

static struct step_result record_step(struct timeline *t, unsigned agent)
{
    struct step_record r = {.agent = (uint8_t)agent, .first_decision = t->next_decision, .start = t->total};
    struct step_result result = machine_step(t->m, agent);
    r.retired = result.retired;
    r.hash = result.hash;
    vec_push(&t->steps, r);
    t->total += r.retired;
    return result;
}

static bool boot(struct timeline *t, enum machine_stop *stop, struct error *e)
{
    t->boot_steps = UINT64_MAX;
    if (!machine_boot_begin(t->m, e))
        return false;
    add_checkpoint(t);
    unsigned next = 0;
    while (!machine_boot_ready(t->m)) {
        unsigned agent = machine_boot_agent(t->m, next);
        if (agent == MACHINE_AGENTS || t->steps.count == BOOT_STEPS)
            return error_set(e, ERROR_INTERNAL, "the guest kernel did not get ready");
        *stop = record_step(t, agent).stop;
        if (*stop != STOP_NONE)
            return true;
        t->step++;
        if (!machine_boot_ready(t->m))
            maybe_checkpoint(t);
        next = agent + 1;
    }
    t->boot_steps = t->step;
    machine_boot_finish(t->m);
    return true;
}

static bool play(struct timeline *t, enum machine_stop *stop, struct error *e)
{
    const char *wrong = NULL;
    while (*stop == STOP_NONE && t->next_decision < t->decision_count && wrong == NULL) {
        struct timeline_decision d = t->decisions[t->next_decision];
        if (d.is_choice)
            wrong = "answers a question that was not asked";
        else if (d.agent >= MACHINE_AGENTS || !(machine_enabled(t->m) >> d.agent & 1))
            wrong = "steps an agent that is not enabled";
        if (wrong != NULL)
            break;
        t->next_decision++;
        struct step_result r = record_step(t, d.agent);
        *stop = r.stop;
        t->n = r.retired;
        if (t->bad_decision)
            wrong = "does not answer the question that was asked";
        if (*stop == STOP_NONE) {
            t->step++;
            t->n = 0;
            maybe_checkpoint(t);
        } else if (t->next_decision < t->decision_count) {
            wrong = "comes after the end of the run";
        }
    }
    if (wrong == NULL && *stop == STOP_NONE && machine_enabled(t->m) != 0)
        wrong = "is missing: the run goes on behind the schedule's end";
    if (wrong != NULL)
        return error_set(e, ERROR_INPUT, "the schedule does not fit this run: decision %zu %s", t->next_decision + 1, wrong);
    if (*stop == STOP_NONE) {
        *stop = machine_quiescent(t->m);
        t->quiescent = true;
    }
    return true;
}

bool timeline_open(struct timeline **out, struct machine *m, const struct timeline_decision *decisions, size_t count,
                   const uint64_t *shared, size_t shared_count, enum machine_stop *stop, struct error *e)
{
    struct timeline *t = calloc(1, sizeof *t);
    RD_ASSERT(t != NULL);
    t->m = m;
    t->decisions = malloc(count * sizeof *decisions + 1);
    RD_ASSERT(t->decisions != NULL);
    if (count > 0)
        memcpy(t->decisions, decisions, count * sizeof *decisions);
    t->decision_count = count;
    *out = t;
    *stop = STOP_NONE;
    if (!boot(t, stop, e))
        return false;
    if (*stop != STOP_NONE)
        return true; /* the caller knows what a stop during boot means */
    machine_share_add(m, shared, shared_count);
    machine_begin_execution(m);
    set_mode(t);
    add_checkpoint(t);
    machine_set_decider(m, &(struct decider){t, answer});
    t->n = 0;
    if (!play(t, stop, e))
        return false;
    t->over = true;
    t->final = machine_state_hash(m);
    return true;
}

void timeline_close(struct timeline *t)
{
    if (t == NULL)
        return;
    vec_free(&t->steps);
    vec_free(&t->checkpoints);
    vec_free(&t->watched);
    free(t->decisions);
    free(t);
}

/* --- questions ------------------------------------------------------------------------------- */

struct timeline_position timeline_now(const struct timeline *t)
{
    return (struct timeline_position){t->step, t->n};
}

struct timeline_position timeline_end(const struct timeline *t)
{
    if (t->quiescent || t->steps.count == 0)
        return (struct timeline_position){t->steps.count, 0};
    return (struct timeline_position){t->steps.count - 1, t->steps.data[t->steps.count - 1].retired};
}

bool timeline_at_end(const struct timeline *t)
{
    return t->over;
}

int timeline_compare(struct timeline_position a, struct timeline_position b)
{
    if (a.step != b.step)
        return a.step < b.step ? -1 : 1;
    return a.n < b.n ? -1 : a.n > b.n;
}

uint64_t timeline_instructions(const struct timeline *t, struct timeline_position p)
{
    return instructions_before(t, p.step) + p.n;
}

struct timeline_position timeline_find(const struct timeline *t, uint64_t instructions)
{
    size_t low = 0, high = t->steps.count;
    if (instructions >= t->total)
        return timeline_end(t);
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        if (t->steps.data[middle].start <= instructions)
            low = middle;
        else
            high = middle;
    }
    return (struct timeline_position){low, instructions - t->steps.data[low].start};
}

uint64_t timeline_step_count(const struct timeline *t)
{
    return t->steps.count;
}

uint64_t timeline_boot_steps(const struct timeline *t)
{
    return t->boot_steps;
}

unsigned timeline_cpu(const struct timeline *t, uint64_t step)
{
    return step < t->steps.count ? machine_agent_cpu(t->m, t->steps.data[step].agent) : 0;
}

uint64_t timeline_retired(const struct timeline *t, uint64_t step)
{
    return step < t->steps.count ? t->steps.data[step].retired : 0;
}

bool timeline_is_store(const struct timeline *t, uint64_t step)
{
    return step < t->steps.count && machine_agent_stores(t->m, t->steps.data[step].agent);
}

size_t timeline_checkpoints(const struct timeline *t)
{
    return t->checkpoints.count;
}

uint64_t timeline_repairs(const struct timeline *t)
{
    return t->repairs;
}

struct timeline_position timeline_previous(const struct timeline *t, unsigned cpu, struct timeline_position p)
{
    if (p.n > 0 && timeline_cpu(t, p.step) == cpu)
        return (struct timeline_position){p.step, p.n - 1};
    for (uint64_t s = p.step; s-- > 0;)
        if (timeline_cpu(t, s) == cpu && t->steps.data[s].retired > 0)
            return (struct timeline_position){s, t->steps.data[s].retired - 1};
    return p;
}
