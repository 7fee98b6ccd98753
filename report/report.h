/*
 * What a violation looks like to a person (text.c) and to a program (json.c). Both print the same
 * facts, gathered while the failing schedule is replayed: the recording hears the machine's events,
 * the rest is read from the stopped machine.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdio.h>

#include "debug/facts.h"
#include "machine/machine.h"

/* Listens to one execution and keeps what happened, to be put into words when it is over: addresses
 * are never used twice in a run, so they mean the same then. */
struct recording;
/* verb_name gives a scenario verb for an opcode (enum rd_op), status_name the name of an NTSTATUS;
 * NULL: unknown. */
struct recording *recording_open(struct symbols *symbols, const char *(*verb_name)(uint32_t op),
                                 const char *(*status_name)(int32_t status));
void recording_close(struct recording *r);
/* Sets o->event. The observer's context becomes the recording: judges ignore it (check/check.h). */
void recording_observe(struct recording *r, struct observer *o);

/* What was explored, in numbers. report/ knows nothing of explore/, so cli/ copies them. */
struct report_facts {
    const char *subject;  /* the scenario's path, or the drivers' */
    const char *failure;  /* path of the failure file; NULL: none was written */
    const char *strategy; /* NULL: nothing was explored (run, replay) */
    const char *claim;    /* the last line's second half */
    const char *covers;   /* processors, timers, faults and memory model that the claim is about */
    const char *bounds;   /* the end of the claim: what was bounded whatever the strategy; "": nothing */
    uint64_t executions, blocked, steps, shared, to_first, seed;
    double seconds;
    const char *check; /* hash of what was explored; NULL */
    unsigned shard, shards; /* the part of it; 0: the whole */
    bool finished;     /* nothing was left out of that part */
    uint64_t sharing;  /* hash of the shared locations: parts fit together when it is equal */
    const char *key;   /* what makes this violation another one than others; NULL */
    uint64_t count;    /* executions that met it */
    bool reproduced; /* replay: the same trace and memory were reached */
};

struct report {
    struct scene scene; /* report_scene's */
    const struct recording *recording; /* NULL: a violation during boot has no interleaving */
    struct report_facts facts;
    bool colour;
};

/* The recording may be NULL, as may the violation. */
struct scene report_scene(const struct machine *machine, const struct violation *violation, struct symbols *symbols,
                          const struct recording *recording);

/* Notes without names, for a failure file. */
struct str;
void report_notes_text(const struct violation *v, struct str *out);

void report_text(const struct report *r, FILE *out);
/* "rule: RULE  culprit: SYMBOL", the line meant for grep, without the line's end. */
void report_line(const struct report *r, char *out, size_t size);
void report_json(const struct report *r, FILE *out);

#endif
