/*
 * Why a failing execution failed, when another order of the same events would not have: which two events were unordered, on
 * which object, and what would have ordered them.
 *
 * It is found by experiment, not by reading a happens-before relation: the execution is played again up to a step, some
 * processors are held there, and the others go on. Two events are unordered when each order of them can be run. What
 * a teardown waits for is what it cannot be reached without.
 */
#ifndef DEBUG_RACE_H
#define DEBUG_RACE_H

#include "base/str.h"
#include "debug/facts.h"

enum race_kind {
    RACE_NONE,  /* nothing is claimed */
    RACE_IMAGE, /* unloaded, and executed or touched */
    RACE_POOL,  /* freed, and used */
    RACE_FRAME, /* returned from, and used through a pointer */
    RACE_DATA   /* a pointer that led nowhere, read before or behind a write */
};

/* Somebody did something. */
struct race_place {
    unsigned thread; /* NO_THREAD: there is no such place */
    gva_t pc;        /* of the driver's instruction, or the return address of its call; 0: no driver's code */
    bool is_return;
    gva_t target;    /* the routine that it called; 0: it is the instruction itself */
    gva_t data;      /* ... and the address that it accesses */
    bool write;
    uint32_t verb;   /* no driver's code: the scenario's step, from 1; 0 unknown */
};

struct race {
    enum race_kind kind;
    gva_t object; /* of the image, the block or the frame; RACE_DATA: the location */
    struct race_place teardown; /* RACE_DATA: the write */
    struct race_place use;      /* RACE_DATA: the read */
    bool late_write;            /* RACE_DATA: the write had not come yet; else it had come already */
    gva_t routine;              /* RACE_IMAGE: the unload routine that ran before; 0: unknown */

    /* The last that the user did before the teardown, and without which it cannot come. */
    bool waits_known; /* else nothing is said about it */
    struct race_place release;
    struct race_place wait;     /* of the one who tears down */
    uint32_t wait_type;         /* enum rd_wait_type; RD_WAIT_NONE: it looks at memory again and again */
    gva_t wait_object;

    /* The last wait on the way to the teardown that only time ended. */
    struct race_place expired;
    uint32_t expired_type;
    gva_t expired_object;
    struct race_place late; /* what the user does, after the use, that the wait was for */
};

struct race_decision {
    uint8_t is_choice, agent;
    uint16_t value;
};

/* Experiments with the execution that begins at snapshot `root` (with sharing on) and takes these decisions into its violation. They
 * leave the machine and its shared locations changed, so the caller does it in a process of its own (cli/race.c). */
void race_find(struct machine *m, unsigned root, const struct race_decision *decisions, size_t count, struct race *out);

/* In words; nothing when nothing is claimed. The scene is that of the violation. */
void race_text(const struct scene *s, const struct race *r, struct str *out);
/* "released too early", "only time was waited for", "not waited for", "not known": what kind of order there was. */
const char *race_reason(const struct race *r);
/* The same on lines that fit a terminal, under a heading. */
void race_print(const struct scene *s, const struct race *r, FILE *out);

#endif
