/*
 * Minimisation: the same violation with fewest context switches, then fewest steps, since each
 * switch is one thing that the reader of a report has to understand.
 *
 * A schedule is seen as blocks, runs of steps of one agent. Candidates leave a block or a step out,
 * pull an agent's next block forward or push a block back until it joins the next, or end early.
 * Each is played tolerantly from the root, so a candidate need not fit; what counts is the
 * decisions really taken, and only if they end in the same violation and are better. Repeated until
 * no candidate helps or the budget is spent.
 *
 * That can end where no single change helps. So if preemptions are left, executions of the agents
 * that still take part are searched for the same violation with none, with one, and so on.
 */
#include "explore/internal.h"

#include <stdlib.h>
#include <string.h>

struct block {
    uint8_t agent;
    size_t begin, end; /* decisions, choices included */
};

struct minimiser {
    const struct subject *subject;
    const char *key;
    unsigned root, budget;
    struct schedule best, candidate, taken;
    unsigned best_switches, best_steps;
    VEC(struct block) blocks; /* of best */
};

static void find_blocks(struct minimiser *m)
{
    m->blocks.count = 0;
    for (size_t i = 0; i < m->best.count; i++) {
        struct decision d = m->best.data[i];
        struct block *last = m->blocks.count > 0 ? &m->blocks.data[m->blocks.count - 1] : NULL;
        if (last != NULL && (d.is_choice || last->agent == d.agent))
            last->end = i + 1;
        else
            vec_push(&m->blocks, (struct block){d.agent, i, i + 1});
    }
}

static void append(struct minimiser *m, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        vec_push(&m->candidate, m->best.data[i]);
}

/* Plays the candidate; when it is better it becomes the best. */
static bool try_candidate(struct minimiser *m)
{
    const struct subject *s = m->subject;
    char key[512] = "";
    if (m->budget == 0)
        return false;
    m->budget--;
    s->restore(s->context, m->root);
    m->taken.count = 0;
    if (replay_tolerant(s, &m->candidate, 2 * (size_t)m->best_steps + 1000, &m->taken) !=
        STOP_VIOLATION)
        return false;
    s->violation_key(s->context, key, sizeof key);
    if (strcmp(key, m->key) != 0)
        return false;
    unsigned switches = schedule_switches(&m->taken), steps = schedule_steps(&m->taken);
    if (switches > m->best_switches || (switches == m->best_switches && steps >= m->best_steps))
        return false;
    schedule_assign(&m->best, &m->taken);
    m->best_switches = switches;
    m->best_steps = steps;
    find_blocks(m);
    return true;
}

static bool end_early(struct minimiser *m)
{
    for (size_t i = 0; i < m->blocks.count; i++) {
        m->candidate.count = 0;
        append(m, 0, m->blocks.data[i].end);
        if (try_candidate(m))
            return true;
    }
    return false;
}

static bool leave_block_out(struct minimiser *m)
{
    for (size_t i = 0; i < m->blocks.count; i++) {
        m->candidate.count = 0;
        append(m, 0, m->blocks.data[i].begin);
        append(m, m->blocks.data[i].end, m->best.count);
        if (try_candidate(m))
            return true;
    }
    return false;
}

static size_t next_of_agent(const struct minimiser *m, size_t block)
{
    size_t next = block + 1;
    while (next < m->blocks.count && m->blocks.data[next].agent != m->blocks.data[block].agent)
        next++;
    return next;
}

/* The agent of block i goes on at once, or does not begin before its next block. */
static bool join_blocks(struct minimiser *m)
{
    for (size_t i = 0; i < m->blocks.count; i++) {
        size_t next = next_of_agent(m, i);
        if (next == m->blocks.count)
            continue;
        struct block a = m->blocks.data[i], b = m->blocks.data[next];
        m->candidate.count = 0;
        append(m, 0, a.end);
        append(m, b.begin, b.end);
        append(m, a.end, b.begin);
        append(m, b.end, m->best.count);
        if (try_candidate(m))
            return true;
        m->candidate.count = 0;
        append(m, 0, a.begin);
        append(m, a.end, b.begin);
        append(m, a.begin, a.end);
        append(m, b.begin, m->best.count);
        if (try_candidate(m))
            return true;
    }
    return false;
}

/* Neighbouring blocks change places: one of them may then join a block of its agent. */
static bool swap_blocks(struct minimiser *m)
{
    for (size_t i = 0; i + 1 < m->blocks.count; i++) {
        struct block a = m->blocks.data[i], b = m->blocks.data[i + 1];
        m->candidate.count = 0;
        append(m, 0, a.begin);
        append(m, b.begin, b.end);
        append(m, a.begin, a.end);
        append(m, b.end, m->best.count);
        if (try_candidate(m))
            return true;
    }
    return false;
}

/* One step less at the end of a block: the switch comes earlier. */
static bool leave_step_out(struct minimiser *m)
{
    for (size_t i = 0; i < m->blocks.count; i++) {
        size_t last = m->blocks.data[i].end;
        while (last > m->blocks.data[i].begin && m->best.data[last - 1].is_choice)
            last--;
        m->candidate.count = 0;
        append(m, 0, last - 1);
        append(m, m->blocks.data[i].end, m->best.count);
        if (try_candidate(m))
            return true;
    }
    return false;
}

static void improve(struct minimiser *m)
{
    while (end_early(m) || leave_block_out(m) || join_blocks(m) || swap_blocks(m) ||
           leave_step_out(m))
        ;
}

/* Switches in the best schedule away from an agent that could have gone on. */
static unsigned preemptions(struct minimiser *m)
{
    const struct subject *s = m->subject;
    unsigned count = 0, last = NO_AGENT;
    s->restore(s->context, m->root);
    for (size_t i = 0; i < m->blocks.count; i++) {
        const struct block *b = &m->blocks.data[i];
        if (last != NO_AGENT && (s->enabled(s->context) & AGENT_BIT(last)))
            count++;
        last = b->agent;
        struct schedule part = {m->best.data + b->begin, b->end - b->begin, 0};
        if (replay_part(s, &part) != STOP_NONE)
            break;
    }
    return count;
}

/* Takes the first violation of the kind that an execution with at most `bound` preemptions shows.
 */
static bool search_bounded(struct minimiser *m, unsigned bound)
{
    struct explore_options o = {.all = true,
                                .max_executions = m->budget - m->budget / 4,
                                .max_steps = 2 * (uint64_t)m->best_steps + 1000};
    struct explore_result r = {.stop = STOP_END};
    struct explorer x = {.subject = m->subject,
                         .options = &o,
                         .result = &r,
                         .root = m->root,
                         .frozen = true,
                         .wanted = m->key};
    uint64_t agents = 0;
    bool found = false;
    for (size_t i = 0; i < m->blocks.count; i++)
        agents |= AGENT_BIT(m->blocks.data[i].agent);
    if (o.max_executions == 0)
        return false;
    explorer_begin(&x);
    bounded_search(&x, bound, agents);
    m->budget -= r.executions < m->budget ? (unsigned)r.executions : m->budget;
    for (size_t i = 0; i < r.violation_count && !found; i++)
        if (strcmp(r.violations[i].key, m->key) == 0) {
            schedule_assign(&m->candidate, &r.violations[i].schedule);
            found = true;
        }
    m->budget += found && m->budget == 0;
    found = found && try_candidate(m);
    explore_free(&r);
    free(x.path.data);
    vec_free(&x.violation_round);
    return found;
}

void explore_minimise(const struct subject *s, struct schedule *schedule, const char *key,
                      unsigned budget)
{
    struct minimiser m = {.subject = s, .key = key, .budget = budget};
    m.root = s->push(s->context);
    schedule_assign(&m.best, schedule);
    m.best_switches = schedule_switches(schedule);
    m.best_steps = schedule_steps(schedule);
    find_blocks(&m);
    improve(&m);
    for (unsigned bound = 0; m.budget > 0 && bound < preemptions(&m); bound++)
        if (search_bounded(&m, bound)) {
            improve(&m);
            break;
        }
    s->restore(s->context, m.root);
    s->drop(s->context, m.root);
    schedule_assign(schedule, &m.best);
    free(m.best.data);
    free(m.candidate.data);
    free(m.taken.data);
    vec_free(&m.blocks);
}
