/*
 * Small simulated programs as subjects of exploration: threads of a few operations on shared
 * variables, one shared access (with the private operations around it) a step, as the machine
 * divides a driver's code.
 */
#ifndef TESTS_UNIT_EXPLORE_SIM_SIM_H
#define TESTS_UNIT_EXPLORE_SIM_SIM_H

#include "explore/explore.h"

#define SIM_THREADS 24
#define SIM_VARS 128
#define SIM_REGS 4

enum sim_kind {
    SIM_END,
    /* Shared accesses. The variable is var, plus register index when `indexed`. */
    SIM_LOAD,   /* r = v */
    SIM_STORE,  /* v = imm */
    SIM_STORER, /* v = r */
    SIM_ADD,    /* r = v += imm, interlocked */
    SIM_BUMP,   /* v += imm, interlocked: such additions commute */
    SIM_CAS,    /* if v == imm: v = reg[other], r = 1; else r = 0 */
    SIM_IF, /* if v != 0: var[imm] += 1; else r = var[other]: one step that touches what it finds */
    SIM_WAIT,    /* disabled until v != 0: an event that stays set */
    SIM_LOCK,    /* v = 1 if v == 0; else stands still until somebody writes v, then tries again */
    SIM_SPIN,    /* v = 1 if v == 0; else stands still while v != 0, so that another taker stops it
                    again */
    SIM_TAKE,    /* v -= 1 if v > 0; else stands still: a semaphore */
    SIM_POLL,    /* while v == 0 && var[imm] == 0: two steps a turn, then stands still until one is
                    written */
    SIM_PUT,     /* r = v = choose (imm) */
    SIM_PICK,    /* choose (2): 0: r = v, 1: var[imm] += 1; an answer decides what the step touches */
    SIM_START,   /* lets thread imm run; starts of one thread commute */
    SIM_CANCEL,  /* keeps thread imm from running if it has not begun */
    SIM_CHOOSE,  /* r = choose (imm); touches nothing */
    SIM_CHOOSE2, /* r = choose (imm) + 10 * choose (2) if the first was not 0 */
    SIM_SELF,    /* r = the thread's number, which tells it from its equals */
    SIM_FREEZE,  /* the whole machine stops being simulated: STOP_UNIMPLEMENTED */
    /* Private ones, part of the step before. */
    SIM_SET,  /* r = imm */
    SIM_MOVE, /* r = reg[other] */
    SIM_CALC, /* r = (r * imm + other) % var */
    SIM_JZ,   /* if r == 0 goto imm */
    SIM_JNZ,
    SIM_JMP,
    SIM_CHECK, /* violation if r != 0 */
    SIM_CHECKZ /* violation if r == 0 */
};

struct sim_op {
    enum sim_kind kind;
    int r;
    int var;
    int imm;
    int other;
    bool indexed; /* by register `other` for accesses */
};

struct sim_program {
    unsigned threads;
    const struct sim_op *code[SIM_THREADS];
    int argument[SIM_THREADS]; /* register 3 at the start */
    unsigned vars;
    int init[SIM_VARS];
    uint32_t dormant;       /* threads that wait for SIM_START */
    bool cpu_keys;          /* every step writes FOOTPRINT_CPU | thread */
    bool states_are_traces; /* the state's hash identifies the Mazurkiewicz trace that led to it */
    bool states_are_memory; /* the state is the variables alone, and violations are known by their place in the code */
    bool private_at_first;  /* variables count as private until two threads were seen to use them */
};

struct sim;
/* Copies the program. */
struct sim *sim_create(const struct sim_program *p);
void sim_destroy(struct sim *s);
struct subject sim_subject(struct sim *s);
uint64_t sim_begun(const struct sim *s); /* begin_execution calls */

/* The anchor programs, n clients. */
void sim_bluetooth(struct sim_program *p, unsigned n, bool buggy);
void sim_rundown(struct sim_program *p, unsigned n, bool buggy);
void sim_remlock(struct sim_program *p, unsigned n, bool buggy);
void sim_last_zero(struct sim_program *p, unsigned n);
void sim_readers(struct sim_program *p, unsigned n);
void sim_incn(struct sim_program *p, unsigned n);
void sim_indexer(struct sim_program *p, unsigned n);

#endif
