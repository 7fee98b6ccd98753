/*
 * Facts about a stopped machine that reports and the debugger print alike: who is to blame, what an address is, who waits for
 * what, how WinDbg lays out a thread, a stack, an exception record.
 */
#ifndef DEBUG_FACTS_H
#define DEBUG_FACTS_H

#include <stdio.h>

#include "debug/debug.h"

#define NO_THREAD 0xFFFFFFFFu

/* What the facts are read from. */
struct race;
struct scene {
    const struct machine *machine;
    const struct violation *violation; /* NULL: none yet; then only those of threads and addresses may be asked for */
    struct symbols *symbols;
    /* A driver that left by a tail jump is on no stack: who jumped is known to who listened to the thread's events. The
     * instruction that last left a driver and has not been returned to; 0: none. NULL: nobody listened. */
    gva_t (*last_caller)(const void *context, unsigned thread);
    const void *context;
    const struct race *race; /* debug/race.h; NULL: nobody looked for one */
};

/* "upper!UpperCompletion+0x1c"; "0x..." outside of images. */
void fact_name(struct symbols *s, gva_t address, bool is_return, char *out, size_t size);
/* What lies at a data address: a variable, a pool block, a stack. */
void fact_data(const struct scene *s, gva_t address, char *out, size_t size);

/* The first of the notes that are printed last: the first log entry, with the lines right before it. */
unsigned fact_log_start(const struct violation *v);

struct culprit {
    bool known;
    gva_t address;
    struct symbol symbol;
    char text[160];          /* "lower!LowerDeviceControl+0x6f" */
    char image[RD_ABI_NAME]; /* "lower.sys" */
};
struct culprit fact_culprit(const struct scene *s);
/* "0xC4_C5_badfilter!FilterPreRead": equal bugs, equal text. */
void fact_bucket(const struct scene *s, const struct culprit *c, char *out, size_t size);

/* The thread in whose context the violation happened; NO_THREAD: none. */
unsigned fact_thread(const struct scene *s);
unsigned fact_stack(const struct scene *s, unsigned thread, struct stack_frame out[STACK_MAX]);
/* analysis.c */
void bugcheck_print(const struct scene *s, bool colour, FILE *out);
void culprit_print(const struct scene *s, const struct culprit *c, FILE *out);
void notes_print(const struct scene *s, unsigned from, unsigned to, FILE *out);
void thread_stack_print(const struct scene *s, unsigned thread, FILE *out);

/* threads.c */
/* Whether a report shows the thread: one of the scenario, or one that runs a driver's code or the kernel's for a driver. */
bool fact_thread_matters(const struct scene *s, unsigned thread, const struct rd_thread *t);
const char *fact_wait_object(const struct rd_thread *t); /* "NotificationEvent" */
const char *fact_wait_reason(const struct rd_thread *t); /* "Executive" */
void stack_print(const struct scene *s, const struct stack_frame *frames, unsigned count, FILE *out);
void thread_head_print(const struct scene *s, unsigned thread, const struct rd_thread *t, FILE *out);

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
struct fact_records fact_records(const struct scene *s);
void records_print(const struct scene *s, FILE *out);
const char *exception_name(uint32_t code); /* "Access violation"; "" when unknown */

const char *fact_state(const struct rd_thread *t);
const char *fact_wait_name(uint32_t type); /* enum rd_wait_type: "an event" */
/* "an event at upper!Event, held by client"; empty when it does not wait. */
void fact_wait(const struct scene *s, const struct rd_thread *t, char *out, size_t size);
const char *fact_thread_name(const struct scene *s, unsigned thread, char out[RD_ABI_NAME]);

#endif
