/* The agents of threads that are alike: with a processor for each thread, a thread's agent is its processor. */
#include "cli/alike.h"

#include "explore/symmetry.h"

static bool agent_of(const struct machine *m, unsigned scenario_thread, unsigned *agent)
{
    for (unsigned n = 0; n < AGENT_ARRIVAL; n++) {
        struct rd_thread t;
        unsigned index = machine_thread_on(m, n);
        if (index != ~0u && machine_thread(m, index, &t) && t.scenario_index == scenario_thread) {
            *agent = n;
            return true;
        }
    }
    return false;
}

static void add_name(struct str *names, const char *name, unsigned before, unsigned behind)
{
    str_addf(names, "%s%s", before == 0 ? "" : behind == 0 ? " and " : ", ", name);
}

/* The threads alike to `first` and not before it; *count of them. */
static uint64_t alike_to(const struct scenario *s, unsigned first, unsigned *count)
{
    uint64_t threads = 0;
    *count = 0;
    for (unsigned t = first; t < s->thread_count; t++)
        if (t == first || scenario_alike(s, first, t)) {
            threads |= 1ull << t;
            ++*count;
        }
    return threads;
}

unsigned alike_groups(struct session *session, uint64_t *groups, struct str *names)
{
    const struct scenario *s = &session->scenario;
    uint64_t done = 0;
    unsigned found = 0;
    for (unsigned first = 0; first < s->thread_count && s->cpus == 0 && found < SYMMETRY_GROUPS; first++) {
        unsigned count, agent, at = 0;
        uint64_t threads = alike_to(s, first, &count), group = 0;
        if (done & (1ull << first) || count < 2)
            continue;
        done |= threads;
        for (uint64_t left = threads; left != 0; left &= left - 1)
            if (agent_of(session->machine, (unsigned)__builtin_ctzll(left), &agent))
                group |= 1ull << agent;
        if ((unsigned)__builtin_popcountll(group) != count)
            continue;
        if (found > 0)
            str_addf(names, "; ");
        for (uint64_t left = threads; left != 0; left &= left - 1, at++)
            add_name(names, s->threads[__builtin_ctzll(left)].name, at, count - 1 - at);
        groups[found++] = group;
    }
    return found;
}
