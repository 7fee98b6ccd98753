/*
 * The execution as a line that can be walked in both directions. Going back means restoring the nearest snapshot before the
 * place and going forward from there under the same decisions; so every place has one state, and the last one always the
 * failure's own.
 *
 * A position is a step (counted from the first one of booting, DriverEntry among them) and how many of its instructions
 * have been executed.
 */
#ifndef DEBUG_TIMELINE_H
#define DEBUG_TIMELINE_H

#include "machine/machine.h"

struct timeline;

struct timeline_position {
    uint64_t step, n;
};

struct timeline_decision {
    uint8_t is_choice, agent;
    uint16_t value;
};

/* Boots the machine, plays the decisions to the end and leaves it there; *stop says how it ended. The machine must be new.
 * False: *e. Decisions that do not fit are an error. */
bool timeline_open(struct timeline **out, struct machine *m, const struct timeline_decision *decisions, size_t count,
                   const uint64_t *shared, size_t shared_count, enum machine_stop *stop, struct error *e);
void timeline_close(struct timeline *t);

struct timeline_position timeline_now(const struct timeline *t);
struct timeline_position timeline_end(const struct timeline *t);
bool timeline_at_end(const struct timeline *t);
int timeline_compare(struct timeline_position a, struct timeline_position b);
/* Instructions before a position, of all processors; and the position that has so many before it. */
uint64_t timeline_instructions(const struct timeline *t, struct timeline_position p);
struct timeline_position timeline_find(const struct timeline *t, uint64_t instructions);
uint64_t timeline_step_count(const struct timeline *t);
uint64_t timeline_boot_steps(const struct timeline *t); /* the failure's own steps begin behind so many */
/* The processor that takes the step; its instructions in it (0 for the arrival of an interrupt). */
unsigned timeline_cpu(const struct timeline *t, uint64_t step);
uint64_t timeline_retired(const struct timeline *t, uint64_t step);
/* The step makes a store visible that waited in its processor's buffer. */
bool timeline_is_store(const struct timeline *t, uint64_t step);
size_t timeline_checkpoints(const struct timeline *t);
/* How often a walk in parts came to another state and was replaced by an undisturbed one. */
uint64_t timeline_repairs(const struct timeline *t);
/* The position of the processor's instruction before `p`, or p itself when there is none. */
struct timeline_position timeline_previous(const struct timeline *t, unsigned cpu, struct timeline_position p);

/* Goes there, or to the end when there is no such place. */
void timeline_goto(struct timeline *t, struct timeline_position p);

struct timeline_range {
    gva_t address;
    uint64_t size; /* not 0 */
};
/* Asked in front of instructions while the run goes on. True: that is the place. Forwards never for the position where the search
 * begins. */
struct timeline_search {
    bool (*hit)(void *context, unsigned cpu, struct timeline_position at);
    void *context;
    bool each;            /* in front of every instruction; else only at the stops, and now and then elsewhere */
    const gva_t *stops;
    unsigned stop_count;  /* <= MACHINE_STOPS */
    /* A search for what writes there alone: elsewhere only at the stops. NULL: `each` says. */
    const struct timeline_range *written;
    unsigned written_count;
    /* NULL, or called where every instruction begins to be looked at, and behind the last one: true, a place has been reached
     * there. */
    void (*begin)(void *context);
    bool (*end)(void *context, struct timeline_position at);
    /* NULL, or what a search backwards takes as the place instead of the position of the question. */
    const struct timeline_position *place;
};
/* To the next place; false: there was none and the end has been reached. */
bool timeline_forward(struct timeline *t, const struct timeline_search *s);
/* To the latest place before the present one; false: there was none, and the beginning has been reached. */
bool timeline_backward(struct timeline *t, const struct timeline_search *s);

#endif
