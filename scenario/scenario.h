/*
 * Scenarios: a Lua 5.4 file builds a static list of steps before the run starts; no Lua runs inside
 * an execution. Reading one is also parsing hostile input: instruction and memory limits apply, and
 * only the safe libraries are open.
 */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include "abi/guest.h"
#include "base/error.h"

#define SCENARIO_MAX_THREADS 16
#define SCENARIO_MAX_DRIVERS 16
#define SCENARIO_MAX_SLOTS 32 /* handles that one thread may open */

struct scenario_driver {
    char *name; /* file name as written, e.g. "upper.sys" */
    char *path; /* resolved: beside the scenario, else in the first folder of RUNDOWN_DRIVERS that
                   has it */
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
    bool tso; /* processors have store buffers */
    uint32_t os, cpus;
    struct scenario_driver drivers[SCENARIO_MAX_DRIVERS];
    unsigned driver_count;
    struct scenario_step *setup; /* run by the boot thread: loads, devices */
    size_t setup_count, setup_capacity;
    struct scenario_thread threads[SCENARIO_MAX_THREADS];
    unsigned thread_count;
    uint32_t fault_budget;
    uint32_t verifier;      /* RD_VF_* */
    char *verifier_drivers; /* "a.sys;b.sys"; NULL: all */
};

/* Driver Verifier options as a user writes them: a number, names joined by commas, "standard" (of that system), "all"
 * or "none". Known options that are not implemented are an error, but for those in "standard", which are left out
 * and returned in *left_out. */
bool verifier_parse(const char *text, uint32_t os, uint32_t *flags, uint32_t *left_out,
                    struct error *e);
/* The bits are all implemented; the error names the first that is not. */
bool verifier_accept(uint32_t flags, struct error *e);
/* "io, misc"; malloc'ed. */
char *verifier_names(uint32_t flags);

/* Reads a .lua file. Errors: "FILE:LINE: what is wrong and the remedy". */
bool scenario_read(const char *path, struct scenario *out, struct error *e);
/* Number of a status: "STATUS_DELETE_PENDING". False: the name is not in the table. */
bool scenario_status(const char *name, int32_t *out);
/* Its name; NULL when the table lacks it. */
const char *scenario_status_name(int32_t status);

/* A load of `driver` in front of all other setup steps. */
void scenario_load_first(struct scenario *s, const char *driver);
/* The scenario of a bare driver that turns out to be a minifilter: a volume to filter, and an unload through the filter
 * manager in front of the service's. */
void scenario_default_filter(struct scenario *s, const char *driver);
/* Threads a and b run the same steps at the same priority, and no step names either. */
bool scenario_alike(const struct scenario *s, unsigned a, unsigned b);
/* Whether a step speaks to the filter manager. */
bool scenario_uses_filters(const struct scenario *s);

/* Given only drivers: load, open what they created, exercise from two threads while a third
 * unloads. */
bool scenario_default(char *const *drivers, unsigned count, struct scenario *out, struct error *e);
void scenario_free(struct scenario *s);

/* Lowers into the loader block's bytes (guest addresses from RD_LOADER_BLOCK on; inputs and outputs
 * in the user range are laid out by the guest from the embedded input bytes). */
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
    /* Positional arguments, one letter each; '?' makes the rest optional:
     *   n name text               d driver that the scenario declares
     *   D such a driver, or a device instance
     *   h handle of t:open        r request of an asynchronous verb
     *   T thread name             u number into .code
     *   v number into .value      t seconds into .value
     *   s byte string             p device power state "D0".."D3"
     *   V volume name, behind the text so far
     *   q file information class  w volume information class, by name or number into .code
     *   x status
     * A verb whose op is 0 makes no step: its arguments amend the step before it. */
    const char *arguments;
    /* Options by key, as "key:letter" separated by blanks; the letters are:
     *   s input bytes     o output size     v number into .value     x expected status
     *   n device name into .text     m its link into .input     q file information class
     *   c a, h            disposition, access, share access of an open, in words
     *   K A L P           true sets RD_STEP_KERNEL, RD_STEP_ASYNC, RD_STEP_ALERTABLE, RD_STEP_MAY_PEND
     *   d f e             true: a directory, a file that is none, deleted when closed (an open's options)
     *   R                 true: 1 into .value */
    const char *options;
};
extern const struct scenario_verb *const scenario_verbs[]; /* NULL-terminated, sorted */

#endif
