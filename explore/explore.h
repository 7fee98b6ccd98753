/*
 * The explorer: decides which agent takes each step, and what need not be tried because it commutes with
 * what was. It sees agents, steps and footprints through `struct subject`, never guest memory: the
 * machine is one subject, small simulated programs in tests are others.
 */
#ifndef EXPLORE_EXPLORE_H
#define EXPLORE_EXPLORE_H

#include "base/error.h"
#include "base/hash.h"
#include "machine/machine.h"

/* What is explored. explore_machine() wraps the real machine in one; tests bring their own. */
struct subject {
    void *context;
    uint64_t (*enabled)(void *context);
    /* Runs agent for one step; explicit choices are asked through `decider`. */
    struct step_result (*step)(void *context, unsigned agent, const struct decider *decider);
    /* Nothing is enabled: STOP_END or STOP_VIOLATION (hang). */
    enum machine_stop (*quiescent)(void *context);
    /* Nothing is enabled, but this execution is explored elsewhere to its end. May be NULL. */
    bool (*redundant)(void *context);
    unsigned (*push)(void *context);
    void (*restore)(void *context, unsigned depth);
    void (*drop)(void *context, unsigned depth);
    void (*begin_execution)(void *context);
    bool (*grew)(void *context);           /* shared set grew: what was explored is void */
    /* What it grew by since begin_execution, malloc'ed; and what it grew by in another process. May be NULL where
     * nothing ever grows. */
    size_t (*found)(void *context, uint64_t **out);
    void (*share)(void *context, const uint64_t *found, size_t count);
    size_t (*shared)(void *context, uint64_t **out); /* all that it knows, malloc'ed; may be NULL likewise */
    /* Some run has asked for what tells agents that are alike apart, such as a thread's number. May be NULL. */
    bool (*told_apart)(void *context);
    struct hash128 (*state)(void *context); /* of the present state; tests compare sets of final ones */
    /* Rule and culprit of the present violation, for --all: equal text, equal violation. */
    void (*violation_key)(void *context, char *out, size_t size);
};
struct subject explore_machine(struct machine *m);

/* A decision: which agent steps, or the answer to a choice inside the step before it. */
struct decision {
    uint8_t is_choice;
    uint8_t agent;  /* of the step, or of the step that asked */
    uint16_t value; /* is_choice: the answer */
};

struct schedule {
    struct decision *data;
    size_t count, capacity;
};

struct explore_result;

struct explore_options {
    const char *strategy; /* "dpor" (default), "bounded", "pct", "random", "brute" (no reduction: the tests' oracle) */
    uint64_t max_executions; /* 0: no limit */
    double seconds;          /* 0: no limit */
    uint64_t seed;
    uint64_t max_steps;      /* of one execution; hitting it cancels the claim */
    unsigned preemptions;    /* bounded: 0, 1, ... up to so many */
    unsigned jobs;           /* processes that share a long search; 0 is 1 */
    uint64_t jobs_after;     /* executions that one does alone first; 0: 2000 */
    uint64_t jobs_split;     /* steps of a subtree that are worth giving part of it away; 0: 2000 */
    unsigned shard, shards;  /* dpor: explore the first, second, ... of so many parts; 0: everything */
    const char *checkpoint;  /* dpor: file that has the state of the search now and then; NULL */
    const char *resume;      /* dpor: go on where this file says; NULL */
    double checkpoint_seconds; /* between two; 0: 1 or more */
    struct hash128 identity; /* of the subject: a checkpoint of another one is refused */
    bool burst;              /* dpor: a search that gets long tries samples and few preemptions first */
    unsigned depth;          /* pct: of the bugs it shall find; 0: 3 */
    bool all;                /* collect distinct violations instead of stopping at the first */
    bool want_states;        /* record the set of final states */
    /* Called now and then (never more often than asked for by itself); may be NULL. */
    void (*progress)(void *context, const struct explore_result *r);
    void *progress_context;
};

struct explore_violation {
    char key[512];
    struct schedule schedule;
    uint64_t count;
};

struct explore_result {
    uint64_t executions;       /* complete ones, of the round that counts */
    uint64_t voided;           /* executions of rounds that growth of the shared set made void */
    uint64_t blocked;          /* abandoned as redundant (sleep set) */
    uint64_t steps;
    uint64_t restarts;         /* the shared set grew */
    uint64_t max_depth;
    uint64_t to_first;         /* executions until the first violation, 0: none */
    uint64_t sampled;          /* executions of the burst, which count for nothing else */
    const char *found_by;      /* what met the first violation if not the strategy; NULL */
    double done;               /* progress: fraction of the known tree, an estimate; 0: unknown */
    uint64_t frontier;         /* progress: places known where something is still to be tried */
    uint64_t sharing;          /* hash of the locations treated as shared in the round that counts */
    bool finished;             /* the strategy did all that it had to do, even if that is not everything */
    bool complete;             /* every inequivalent interleaving was explored */
    bool step_limit_hit;
    enum machine_stop stop;    /* STOP_END, STOP_VIOLATION, or the stop that ended exploration */
    struct explore_violation *violations;
    size_t violation_count;
    struct hash128 *states;    /* sorted, distinct; when wanted */
    size_t state_count;
    char claim[256];           /* "every interleaving explored", ... : the last line's second half */
};

/* Explores from the present state and comes back to it. Sharing that the last execution found is left
 * without effect, so that the schedules of a run that stopped at its first violation still fit.
 * Returns false with e for bad options (unknown strategy). The caller frees with explore_free. */
bool explore_run(const struct subject *s, const struct explore_options *o, struct explore_result *r,
                 struct error *e);
void explore_free(struct explore_result *r);
/* The decisions that led to where an exploration under way stands, for messages about bugs of ours; NULL: none is. */
const struct schedule *explore_present(void);

/* Runs one schedule from the present state. Past its end agents continue in a fixed fair order when
 * `tolerant`; otherwise a step that is not enabled or a schedule that ends early is an error: e says which
 * decision, and STOP_NONE is returned. Sharing stays as it is: begin_execution is not called. */
enum machine_stop explore_replay(const struct subject *s, const struct schedule *schedule, bool tolerant,
                                 struct error *e);

/* Fewest context switches, then fewest steps, that still end in a violation with the same key. Bounded by
 * `budget` executions. The subject is left at the root, the present state; sharing stays as it is. */
void explore_minimise(const struct subject *s, struct schedule *schedule, const char *key, unsigned budget);

/* One strategy; its file in strategies/ defines `const struct strategy strategy_NAME`, and the list is
 * generated from the folder. */
struct explorer; /* internal.h */
struct strategy {
    const char *name;
    const char *help;
    bool (*run)(struct explorer *x, struct error *e);
};
extern const struct strategy *const explore_strategies[]; /* NULL-terminated, sorted by name */
const struct strategy *explore_strategy(const char *name); /* NULL: there is none */

#endif
