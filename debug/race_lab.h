/* One experiment with an execution: it is played up to a step, then some processors are held and the others go on. What the driver
 * did on the way is written down. */
#ifndef DEBUG_RACE_LAB_H
#define DEBUG_RACE_LAB_H

#include "base/vec.h"
#include "debug/race.h"

#define LAB_CALLS 24u
#define LAB_NOWHERE 0xFFFFFFFFu

/* A driver's call out of its image that has not come back. */
struct lab_call {
    gva_t pc, target; /* the call, and for where; target 0: none */
    gva_t sp;
    bool is_return;   /* pc is where it returns to */
};

/* Something that happened. */
struct lab_moment {
    uint32_t step; /* from 0 */
    enum machine_event_kind kind;
    uint32_t code;
    unsigned cpu, thread;
    gva_t pc;
    uint64_t a, b, c;
    struct lab_call call; /* the thread's innermost one, or the one that returns */
    uint32_t verb;        /* the scenario's step that the thread is in, from 1; 0: none */
};

struct lab_taken {
    unsigned agent, cpu;
    size_t decision;  /* behind its own one */
    uint64_t retired; /* instructions that its processor has executed when it ends */
    VEC(struct footprint_entry) footprint;
};

struct lab_stack {
    struct lab_call call[LAB_CALLS];
    unsigned count; /* those that do not fit are counted alone */
    uint32_t verb;
};

/* An instruction that touches memory, with what was there before. */
struct lab_access {
    uint32_t step;
    unsigned cpu;
    struct race_place place;
    uint64_t value;
};

struct lab {
    struct machine *m;
    unsigned root;
    VEC(struct race_decision) decisions;
    VEC(struct lab_taken) steps; /* of the failing execution */
    VEC(struct lab_moment) moments; /* of the present one */
    struct lab_stack stacks[RD_MAX_STACKS];
    uint32_t step;        /* number of the present one */
    size_t next_decision; /* while the failing execution is followed */
    size_t next_answer[MACHINE_AGENTS]; /* behind it: each agent gets the answers that it got there */
    bool follows;
    unsigned watched_cpu; /* LAB_NOWHERE: nobody is watched */
    gva_t watched_pc;
    bool traces;         /* every instruction is looked at */
    unsigned traced_cpu; /* whose reads are written down, in drivers' code; LAB_NOWHERE: nobody's */
    gva_t traced;        /* writes to which are, whoever's; 0: none */
    VEC(struct lab_access) accesses;
    bool reached; /* the watched processor came to the watched instruction */
};

void lab_open(struct lab *l, struct machine *m, unsigned root, const struct race_decision *decisions, size_t count);
void lab_close(struct lab *l);

/* Plays the failing execution's first `steps` steps from the root. False: the machine stopped or went another way. */
bool lab_play(struct lab *l, uint32_t steps);
/* Plays all of it; l->steps are known from then on. False: it does not end in a violation. */
bool lab_play_all(struct lab *l);
/* Cuts the execution into finer steps: at locations that it shares though the search had not found out when it met the violation. The
 * same instructions in the same order. False: it does not end in a violation. */
bool lab_refine(struct lab *l);
void lab_watch(struct lab *l, unsigned cpu, gva_t pc);

/* One step of the agent. */
enum machine_stop lab_step(struct lab *l, unsigned agent);

/* What is written down from here on: the reads of a processor in drivers' code, the writes to a place. LAB_NOWHERE and 0: nothing. */
void lab_trace(struct lab *l, unsigned cpu, gva_t address);

enum lab_end {
    LAB_GOAL,
    LAB_STUCK, /* nobody can go on but those held */
    LAB_LIMIT,
    LAB_STOPPED /* a violation, or the machine gave up */
};
/* Goes on from where the machine stands, without the agents of the processors in `held`, until goal(context) is true; it is asked
 * before each step. `first`: the processor that goes first when it can; LAB_NOWHERE: those of the failing execution, in its order. */
enum lab_end lab_run(struct lab *l, uint64_t held, unsigned first, uint32_t limit, bool (*goal)(void *context), void *context);

/* Processors of the scenario's threads. */
uint64_t lab_scenario_cpus(const struct lab *l);
/* What the processor did in a step of `moments`, as far as a driver is concerned. */
struct race_place lab_place(const struct lab_moment *moments, size_t count, uint32_t step, unsigned cpu);
struct race_place lab_call_place(unsigned thread, const struct lab_call *call);

#endif
