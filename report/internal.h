/* Facts that the text and the JSON report share. */
#ifndef REPORT_INTERNAL_H
#define REPORT_INTERNAL_H

#include "base/str.h"
#include "base/vec.h"
#include "report/report.h"

#define NO_THREAD 0xFFFFFFFFu
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

/* "upper!UpperCompletion+0x1c"; "0x..." outside of images. */
void fact_name(struct symbols *s, gva_t address, bool is_return, char *out, size_t size);
/* What lies at a data address: a variable, a pool block, a stack. */
void fact_data(const struct report *r, gva_t address, char *out, size_t size);

/* The first of the notes that are printed last: the first log entry, with the lines right before it. */
unsigned fact_log_start(const struct violation *v);

struct culprit {
    bool known;
    gva_t address;
    struct symbol symbol;
    char text[160];          /* "lower!LowerDeviceControl+0x6f" */
    char image[RD_ABI_NAME]; /* "lower.sys" */
};
struct culprit fact_culprit(const struct report *r);
/* "0xC4_C5_badfilter!FilterPreRead": equal bugs, equal text. */
void fact_bucket(const struct report *r, const struct culprit *c, char *out, size_t size);

/* The thread in whose context the violation happened; NO_THREAD: none. */
unsigned fact_thread(const struct report *r);
unsigned fact_stack(const struct report *r, unsigned thread, struct stack_frame out[STACK_MAX]);
/* stacks.c */
/* Whether a report shows the thread: one of the scenario, or one that runs a driver's code or the kernel's for a driver. */
bool fact_thread_matters(const struct report *r, unsigned thread, const struct rd_thread *t);
const char *fact_wait_object(const struct rd_thread *t); /* "NotificationEvent" */
const char *fact_wait_reason(const struct rd_thread *t); /* "Executive" */
void stack_print(const struct report *r, const struct stack_frame *frames, unsigned count, FILE *out);
void thread_head_print(const struct report *r, unsigned thread, const struct rd_thread *t, FILE *out);

/* records.c: the exception record and the context that a bugcheck's parameters point to. */
struct fact_records {
    gva_t record, context; /* 0: none */
    gva_t address;         /* of the exception */
    uint32_t code, flags, parameter_count;
    uint64_t parameter[15];
    struct vcpu_regs regs;
    uint32_t rflags;
    uint16_t cs, ds, es, fs, gs, ss;
};
struct fact_records fact_records(const struct report *r);
void records_print(const struct report *r, FILE *out);
const char *exception_name(uint32_t code); /* "Access violation"; "" when unknown */

const char *fact_state(const struct rd_thread *t);
const char *fact_wait_name(uint32_t type); /* enum rd_wait_type: "an event" */
/* "an event at upper!Event, held by client"; empty when it does not wait. */
void fact_wait(const struct report *r, const struct rd_thread *t, char *out, size_t size);
const char *fact_thread_name(const struct report *r, unsigned thread, char out[RD_ABI_NAME]);

#endif
