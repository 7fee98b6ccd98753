/*
 * Scenarios: a Lua 5.4 file builds a static list of steps before the run starts; no Lua runs inside an
 * execution. Reading one is also parsing hostile input: instruction and memory limits apply, and only
 * the safe libraries are open.
 */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include "abi/guest.h"
#include "base/error.h"

#define SCENARIO_MAX_THREADS 16
#define SCENARIO_MAX_DRIVERS 16

struct scenario_driver {
    char *name; /* file name as written, e.g. "upper.sys" */
    char *path; /* resolved: beside the scenario, else in a build folder's counterpart, see find rule */
    bool load;  /* before the threads start */
};

/* A verb as built: opcode plus decoded arguments; lowered into struct rd_step later. */
struct scenario_step {
    uint32_t op, slot, flags, code;
    char *text, *text2;
    void *input;
    uint32_t input_size, output_size;
    int64_t value;
    int32_t expect; /* with RD_STEP_EXPECT */
    int line;       /* in the scenario file, for reports */
    const char *verb;
};

struct scenario_thread {
    char *name;
    uint32_t priority;
    struct scenario_step *steps;
    size_t count, capacity;
};

struct scenario {
    char *path; /* NULL: built from bare drivers */
    uint32_t os, cpus;
    struct scenario_driver drivers[SCENARIO_MAX_DRIVERS];
    unsigned driver_count;
    struct scenario_step *setup; /* run by the boot thread: loads, devices */
    size_t setup_count, setup_capacity;
    struct scenario_thread threads[SCENARIO_MAX_THREADS];
    unsigned thread_count;
    uint32_t fault_budget;
};

/* Reads a .lua file. Errors: "FILE:LINE: what is wrong and the remedy". */
bool scenario_read(const char *path, struct scenario *out, struct error *e);
/* Given only drivers: load, open what they created, exercise from two threads while a third unloads. */
bool scenario_default(char *const *drivers, unsigned count, struct scenario *out, struct error *e);
void scenario_free(struct scenario *s);

/* Lowers into the loader block's bytes (guest addresses from RD_LOADER_BLOCK on; inputs and outputs in the
 * user range are laid out by the guest from the embedded input bytes). */
struct scenario_blob {
    uint8_t *data;
    size_t size;
};
bool scenario_lower(const struct scenario *s, struct scenario_blob *out, struct error *e);

/* A verb; its file in verbs/ defines `const struct scenario_verb verb_NAME`. */
struct scenario_verb {
    const char *name;
    const char *syntax; /* "t:open(NAME[, {kernel = true}])" */
    const char *help;
    uint32_t op;
    /* Positional arguments: 'n' name text, 'h' handle of t:open, 'r' request, 'u' unsigned number,
     * 't' seconds, 'T' thread name, 's' byte string, '?' makes the rest optional. Options by key. */
    const char *arguments;
    const char *options; /* "input:s output:u kernel:b async:b expect:x" */
};
extern const struct scenario_verb *const scenario_verbs[]; /* NULL-terminated, sorted */

#endif
