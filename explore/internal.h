/*
 * What the explorer's own files share. A strategy drives a `struct explorer`: it asks for steps,
 * says where an execution ended, and goes back to marked states. Counting, limits, recorded
 * violations and the claim are kept here, so that no strategy can claim more than was done.
 *
 * The model that the reduction (strategies/dpor.c) relies on; a subject must keep it:
 *   - A step is a function of the state and of the answers to its choices. Its footprint names
 *     everything that it read or wrote and that another agent could write or read. Two steps that are
 *     enabled in one state and do not conflict there touch the same in either order. So counting down
 *     may not pass for a read when the next one to count down could be the last.
 *   - The step that leaves its own agent disabled has read everything that can enable it again: the
 *     lock that it found taken, every place that a polling loop looks at; a change of any one of
 *     them enables it. The agent's next step has read them too. Only a condition that nobody ever
 *     takes back, such as an event that is never cleared, may be left unread.
 *   - A step that enables or disables another agent conflicts with that agent's next step. One that would enable it
 *     but for something else has read that.
 *   - A violating step ends the run.
 */
#ifndef EXPLORE_INTERNAL_H
#define EXPLORE_INTERNAL_H

#include "base/rng.h"
#include "base/vec.h"
#include "explore/explore.h"

#define AGENT_BIT(agent) (1ull << (agent))
#define NO_AGENT 0xFFu

/* The answers given in one step, in the order of the questions. */
struct answer {
    uint16_t value;
    uint16_t limit; /* the question's n: values are below it */
};
struct answers {
    struct answer *data;
    size_t count, capacity;
};

/* A step's footprint with one entry a key; `data` is malloc'ed. The summaries have a bit for each key by
 * its hash: most pairs that do not conflict are told apart by them. */
struct footprint {
    struct footprint_entry *data;
    unsigned count;
    uint64_t touched, written;
};
struct footprint footprint_copy(const struct footprint_entry *entries, unsigned count);
/* Makes the summaries anew, for who fills `data` himself. */
void footprint_summarise(struct footprint *f);
void footprint_free(struct footprint *f);
/* Adds what `other` touches: conflicts with the sum are conflicts with a part. */
void footprint_add(struct footprint *f, const struct footprint *other);
bool footprint_contains(const struct footprint *f, const struct footprint *other);
/* Both touch a key, in ways that do not commute. */
bool footprint_conflict(const struct footprint *a, const struct footprint *b);

/* The next list of answers in depth-first order: the last answer that can be raised is, what
 * follows it is dropped. False when all have been tried. */
bool answers_next(struct answers *a);
/* answers_next would find one. */
bool answers_more(const struct answers *a);
void answers_copy(struct answers *to, const struct answers *from);
bool answers_equal(const struct answers *a, const struct answers *b);

struct jobs_board;

/* Fraction of the tree that is done, as far as it is known, and agents known that are still to be tried. */
struct explorer_measure {
    void (*measure)(void *context, double *done, uint64_t *frontier); /* NULL: unknown */
    void *context;
};

struct explorer {
    const struct subject *subject;
    const struct explore_options *options;
    struct explore_result *result;
    struct rng rng;
    struct schedule path; /* decisions from the root to the present state */
    unsigned root;        /* snapshot of the state in which exploration was asked for */
    bool repeating;       /* steps that were counted before */
    bool over;            /* stop exploring */
    bool frozen;          /* sharing stays as it is: minimisation */
    const char *wanted;   /* stop at the violation with this key, whatever else is met; NULL */
    bool grown;           /* stop this round: the shared set grew, what was explored is void */
    bool cut;             /* something was left out: no claim of completeness */
    char reason[96];      /* why it ended early, for the claim */
    double started, next_progress;
    unsigned clock_countdown;
    struct jobs_board *board; /* of a search that is shared, in a worker; NULL */
    struct explorer_measure measure;
    bool burst_done;
    VEC(struct hash128) states;
    VEC(uint64_t) violation_round; /* restarts when violation i got its schedule */
};

/* Goes back to the root and makes found sharing effective: before every execution of a sampling
 * strategy. */
void explorer_begin(struct explorer *x);
/* The same for systematic ones, which begin all over again when the shared set grew. */
void explorer_begin_round(struct explorer *x);
/* Runs one step and appends its decisions to the path. The first answers->count questions get those
 * answers (and must ask for the same ranges); further ones are answered at random with rng, else
 * with 0, and all are left in answers. */
struct step_result explorer_step(struct explorer *x, unsigned agent, struct answers *answers,
                                 struct rng *rng);
/* Takes the path back to its first `path` decisions, whose state has the snapshot. */
void explorer_go_back(struct explorer *x, unsigned snapshot, size_t path);
/* The execution on the path has ended. Counts and records it; sets `over` or `grown` when the
 * search shall end. */
void explorer_ended(struct explorer *x, enum machine_stop stop);
/* The same for one that was abandoned: redundant, or longer than max_steps. */
void explorer_abandoned(struct explorer *x);
void explorer_step_limit(struct explorer *x);
/* Counts a violation that somebody met; the schedule is copied when it is the first with this key in this round. */
void explorer_violation(struct explorer *x, const char *key, const struct schedule *schedule, uint64_t count);
/* Nothing has been counted or met. */
void explorer_forget(struct explorer *x);
void explorer_stop(struct explorer *x, const char *reason);
/* Ends the search when time is up, and shows progress; at most every now and then. */
void explorer_tick(struct explorer *x);
double explorer_now(void);
bool explorer_progress_due(const struct explorer *x);
/* The subject broke the model: exploration goes on, but nothing is claimed. */
void explorer_doubt(struct explorer *x, const char *reason);
/* What a strategy that ran to its end has explored: everything, a share that the claim describes,
 * or samples. A limit, a cut execution or a stop leaves nothing to claim for the first two. */
enum explorer_extent { EXPLORER_ALL, EXPLORER_SHARE, EXPLORER_SAMPLE };
void explorer_claim(struct explorer *x, enum explorer_extent extent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* bounded.c: all executions with at most `bound` preemptions, depth first; those with fewer are not
 * counted. Other agents than these run only where none of these can. */
void bounded_search(struct explorer *x, unsigned bound, uint64_t agents);

/* Context switches in a schedule: neighbouring steps of different agents. */
unsigned schedule_switches(const struct schedule *s);
unsigned schedule_steps(const struct schedule *s);
void schedule_assign(struct schedule *to, const struct schedule *from);

/* replay.c: runs the schedule from the present state, passing over what does not fit, then goes on
 * in a fixed order for at most `max_steps`; *taken gets the decisions that were really taken. */
enum machine_stop replay_tolerant(const struct subject *s, const struct schedule *schedule,
                                  size_t max_steps, struct schedule *taken);
/* The schedule alone: STOP_NONE when the run goes on behind it. */
enum machine_stop replay_part(const struct subject *s, const struct schedule *schedule);

#endif
