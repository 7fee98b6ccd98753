/* The small program that the generated litmus driver interprets; tests/litmus/generated.c writes it into the driver's
 * image before it explores. Shared by both, so only plain types. */
#ifndef TESTS_LITMUS_GENERATED_PROGRAM_H
#define TESTS_LITMUS_GENERATED_PROGRAM_H

#define GENERATED_MAGIC "litmus program!"
#define GENERATED_THREADS 4
#define GENERATED_LENGTH 6
#define GENERATED_CELLS 3

enum generated_op {
    GENERATED_END,
    GENERATED_STORE,     /* cell a = b */
    GENERATED_LOAD,      /* result takes cell a */
    GENERATED_INCREMENT, /* interlocked, result unused */
    GENERATED_FETCH,     /* interlocked, result takes it */
    GENERATED_COMPARE,   /* interlocked: cell a from 0 to b + 1; result takes what was there */
    GENERATED_ADD,       /* cell a = cell a + b + 1, plain */
    GENERATED_SPIN,      /* the same under spin lock b % 2 */
    GENERATED_MUTEX,     /* the same under the fast mutex */
    GENERATED_SET,       /* event a; result takes its old state when b is odd */
    GENERATED_CLEAR,     /* event a */
    GENERATED_WAIT,      /* for event a, for ever */
    GENERATED_POLL,      /* event a; result takes whether it was set */
    GENERATED_APC,       /* a kernel APC for thread b, which adds 1 to cell a, plain */
    GENERATED_CHECK,     /* bugcheck when cell a is b */
    GENERATED_UNTIMED,
    GENERATED_SLEEP = GENERATED_UNTIMED, /* for event a, b + 1 ms at most; result takes whether it came */
    GENERATED_TIMER,                     /* a timer b + 1 ms from now, whose DPC adds 1 to cell a, plain */
    GENERATED_CANCEL,                    /* thread b's timers; result takes how many were still armed */
    GENERATED_OPS
};

struct generated_code {
    unsigned char op, a, b, reserved;
};

/* Events 0 and 1 are notification events, 2 is a synchronization event. */
struct generated_program {
    char magic[16];
    unsigned int threads, reserved;
    struct generated_code code[GENERATED_THREADS][GENERATED_LENGTH];
};

struct generated_results {
    char magic[16];
    struct {
        volatile int value;
        int reserved[15];
    } cells[GENERATED_CELLS], results[GENERATED_THREADS];
};
#define GENERATED_RESULTS_MAGIC "litmus results!"

#endif
