/* The anchor programs, in the simulator's operations: bluetooth after Qadeer and Wu, the rundown
 * and remove-lock windows of the seeds, and standard programs of the partial-order-reduction
 * literature. */
#include <string.h>

#include "tests/unit/explore_sim/sim.h"

#define LOAD(r_, v_)                                                                               \
    {                                                                                              \
        .kind = SIM_LOAD, .r = (r_), .var = (v_)                                                   \
    }
#define STORE(v_, i_)                                                                              \
    {                                                                                              \
        .kind = SIM_STORE, .var = (v_), .imm = (i_)                                                \
    }
#define ADD(r_, v_, i_)                                                                            \
    {                                                                                              \
        .kind = SIM_ADD, .r = (r_), .var = (v_), .imm = (i_)                                       \
    }
#define WAIT(v_)                                                                                   \
    {                                                                                              \
        .kind = SIM_WAIT, .var = (v_)                                                              \
    }
#define JZ(r_, t_)                                                                                 \
    {                                                                                              \
        .kind = SIM_JZ, .r = (r_), .imm = (t_)                                                     \
    }
#define JNZ(r_, t_)                                                                                \
    {                                                                                              \
        .kind = SIM_JNZ, .r = (r_), .imm = (t_)                                                    \
    }
#define CHECK(r_)                                                                                  \
    {                                                                                              \
        .kind = SIM_CHECK, .r = (r_)                                                               \
    }
#define END                                                                                        \
    {                                                                                              \
        .kind = SIM_END                                                                            \
    }

static void begin(struct sim_program *p, unsigned threads, unsigned vars)
{
    memset(p, 0, sizeof *p);
    p->threads = threads;
    p->vars = vars;
}

enum { PENDING, STOPPING, EVENT, STOPPED };

void sim_bluetooth(struct sim_program *p, unsigned n, bool buggy)
{
    static const struct sim_op fixed[] = {ADD(0, PENDING, 1),
                                          LOAD(1, STOPPING),
                                          JNZ(1, 5),
                                          LOAD(1, STOPPED),
                                          CHECK(1),
                                          /* 5, leave: */ ADD(0, PENDING, -1),
                                          JNZ(0, 8),
                                          STORE(EVENT, 1),
                                          /* 8 */ END};
    static const struct sim_op racy[] = {LOAD(1, STOPPING), JNZ(1, 8),       ADD(0, PENDING, 1),
                                         LOAD(1, STOPPED),  CHECK(1),        ADD(0, PENDING, -1),
                                         JNZ(0, 8),         STORE(EVENT, 1), /* 8 */ END};
    static const struct sim_op stopper[] = {
        STORE(STOPPING, 1),  ADD(0, PENDING, -1), JNZ(0, 4), STORE(EVENT, 1),
        /* 4 */ WAIT(EVENT), STORE(STOPPED, 1),   END};
    begin(p, n + 1, 4);
    p->init[PENDING] = 1;
    for (unsigned i = 0; i < n; i++)
        p->code[i] = buggy ? racy : fixed;
    p->code[n] = stopper;
}

enum { REFS, RUNDOWN_EVENT, GONE };

void sim_rundown(struct sim_program *p, unsigned n, bool buggy)
{
    static const struct sim_op fixed[] = {
        LOAD(1, GONE), CHECK(1), ADD(0, REFS, -1), JNZ(0, 5), STORE(RUNDOWN_EVENT, 1), /* 5 */ END};
    static const struct sim_op racy[] = {LOAD(1, GONE),
                                         CHECK(1),
                                         ADD(0, REFS, -1),
                                         JNZ(0, 5),
                                         STORE(RUNDOWN_EVENT, 1),
                                         /* 5 */ LOAD(1, GONE),
                                         CHECK(1),
                                         END};
    static const struct sim_op unloader[] = {WAIT(RUNDOWN_EVENT), STORE(GONE, 1), END};
    begin(p, n + 1, 3);
    p->init[REFS] = (int)n;
    for (unsigned i = 0; i < n; i++)
        p->code[i] = buggy ? racy : fixed;
    p->code[n] = unloader;
}

enum { IO, REMOVED, LOCK_EVENT, FREED };

void sim_remlock(struct sim_program *p, unsigned n, bool buggy)
{
    static const struct sim_op fixed[] = {ADD(0, IO, 1),
                                          LOAD(1, REMOVED),
                                          JNZ(1, 5),
                                          LOAD(1, FREED),
                                          CHECK(1),
                                          /* 5, release: */ ADD(0, IO, -1),
                                          JNZ(0, 8),
                                          STORE(LOCK_EVENT, 1),
                                          /* 8 */ END};
    static const struct sim_op racy[] = {ADD(0, IO, 1),
                                         LOAD(1, REMOVED),
                                         JNZ(1, 11),
                                         LOAD(1, FREED),
                                         CHECK(1),
                                         ADD(0, IO, -1),
                                         JNZ(0, 8),
                                         STORE(LOCK_EVENT, 1),
                                         /* 8 */ LOAD(1, FREED),
                                         CHECK(1),
                                         /* 10 */ END,
                                         /* 11, release: */ ADD(0, IO, -1),
                                         JNZ(0, 10),
                                         STORE(LOCK_EVENT, 1),
                                         END};
    static const struct sim_op remover[] = {
        ADD(0, IO, 1), STORE(REMOVED, 1), ADD(0, IO, -1),          ADD(0, IO, -1),
        JZ(0, 6),      WAIT(LOCK_EVENT),  /* 6 */ STORE(FREED, 1), END};
    begin(p, n + 1, 4);
    p->init[IO] = 1;
    for (unsigned i = 0; i < n; i++)
        p->code[i] = buggy ? racy : fixed;
    p->code[n] = remover;
}

/* Thread 0 looks for the last zero from the end of an array; thread i sets a[i] = a[i-1] + 1. */
void sim_last_zero(struct sim_program *p, unsigned n)
{
    static const struct sim_op reader[] = {
        {.kind = SIM_LOAD, .r = 0, .var = 0, .other = 3, .indexed = true},
        JZ(0, 4),
        {.kind = SIM_CALC, .r = 3, .imm = 1, .other = -1, .var = 1000},
        {.kind = SIM_JMP, .imm = 0},
        /* 4 */ END};
    static const struct sim_op writer[] = {
        {.kind = SIM_LOAD, .r = 0, .var = 0, .other = 3, .indexed = true},
        {.kind = SIM_CALC, .r = 0, .imm = 1, .other = 1, .var = 1000},
        {.kind = SIM_STORER, .r = 0, .var = 1, .other = 3, .indexed = true},
        END};
    begin(p, n + 1, n + 1);
    p->code[0] = reader;
    p->argument[0] = (int)n;
    for (unsigned i = 1; i <= n; i++) {
        p->code[i] = writer;
        p->argument[i] = (int)i - 1;
    }
}

void sim_readers(struct sim_program *p, unsigned n)
{
    static const struct sim_op writer[] = {STORE(0, 1), END};
    static const struct sim_op reader[] = {LOAD(0, 0), END};
    begin(p, n + 1, 1);
    for (unsigned i = 0; i <= n; i++)
        p->code[i] = i == 0 ? writer : reader;
}

void sim_incn(struct sim_program *p, unsigned n)
{
    static const struct sim_op increment[] = {ADD(0, 0, 1), END};
    begin(p, n, 1);
    for (unsigned i = 0; i < n; i++)
        p->code[i] = increment;
}

/* Threads enter keys into a hash table of 128 slots by compare-and-swap; keys collide from 12
 * threads on. */
void sim_indexer(struct sim_program *p, unsigned n)
{
#define ENTER(at_)                                                                                 \
    {.kind = SIM_CALC, .r = 3, .imm = 1, .other = 11, .var = 1000},                                \
        {.kind = SIM_MOVE, .r = 1, .other = 3}, {.kind = SIM_MOVE, .r = 2, .other = 3},            \
        {.kind = SIM_CALC, .r = 2, .imm = 7, .var = 128},                                          \
        {.kind = SIM_CAS, .r = 0, .other = 2, .indexed = true}, JNZ(0, (at_) + 8),                 \
        {.kind = SIM_CALC, .r = 2, .imm = 1, .other = 1, .var = 128},                              \
    {                                                                                              \
        .kind = SIM_JMP, .imm = (at_) + 4                                                          \
    }
    static const struct sim_op thread[] = {ENTER(0), ENTER(8), ENTER(16), ENTER(24), END};
#undef ENTER
    begin(p, n, 128);
    for (unsigned i = 0; i < n; i++) {
        p->code[i] = thread;
        p->argument[i] = (int)i;
    }
}
