/* Facts that the text and the JSON report share. */
#ifndef REPORT_INTERNAL_H
#define REPORT_INTERNAL_H

#include "base/str.h"
#include "base/vec.h"
#include "debug/facts.h"
#include "report/report.h"

#define ROW_TEXT 128

/* An event as it was heard, with what is gone later: registers, the instruction, who ran. */
struct record {
    struct machine_event event;
    unsigned thread; /* machine_thread index; NO_THREAD: none */
    uint64_t rcx, rdx;
    uint8_t code[15]; /* EVENT_SHARED: the instruction */
    bool clock;       /* processor 0 */
};

/* A stretch of virtual time in which somebody who could run did not. */
struct stall {
    unsigned thread;
    uint64_t from, to; /* 100 ns since boot */
};

struct recording {
    struct symbols *symbols;
    const char *(*verb_name)(uint32_t op);
    const char *(*status_name)(int32_t status);
    VEC(struct record) records;
    uint64_t dropped;                 /* oldest records that did not fit */
    uint64_t time;                    /* virtual, as far as timers told */
    uint64_t last_run[RD_MAX_STACKS]; /* virtual time at which each thread last ended a step */
    VEC(struct stall) stalls;
    unsigned last_agent;  /* of the step before */
    bool last_enabled;    /* ... and it could have gone on */
    uint64_t steps, switches, preemptions;
};

/* One line of the interleaving. */
struct row {
    uint64_t number; /* order among all rows, from 1 */
    uint64_t step;
    unsigned thread;
    int depth;  /* nested calls of driver routines */
    int weight; /* what is left out first: see rows.c */
    bool kept;
    bool clock; /* time itself: belongs to no thread's column */
    char text[ROW_TEXT];
};
struct rows {
    struct row *data;
    size_t count, capacity;
    size_t left_out;
};
/* Puts a recording into rows and marks at most `limit` of them as kept: the weightiest, or with
 * `all` of any weight. */
struct rows rows_make(const struct report *r, size_t limit, bool all);

#endif
