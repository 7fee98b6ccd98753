/*
 * The machine: guest memory, virtual processors, images and the loop that moves one processor by one
 * step. Everything that explore/, check/, debug/ and cli/ may know about the machine is here.
 *
 * A *step* (transition) runs one agent from a scheduling point to the next. It ends at the first
 * instruction boundary in driver code after the step has touched shared state; when the processor halts
 * or awaits; at RD_HC_SCHEDULE; or when the run stops. Agents are the processors (0..31) and, for each,
 * the arrival of an interrupt that another processor sent (32 + number) and, with store buffers, of a store (48 + number).
 *
 * One machine a process: the arena and the translator live at fixed addresses.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "base/error.h"
#include "base/hash.h"
#include "machine/decider.h"
#include "machine/observe.h"
#include "machine/vcpu.h"

#define MACHINE_AGENTS 64u
#define AGENT_ARRIVAL 32u
#define AGENT_STORE 48u /* --tso: the oldest store of a processor becomes visible; arrivals are below it then */
#define MACHINE_MAX_IMAGES 64u

struct machine_file {
    const char *name; /* file name as the guest asks for it, e.g. "upper.sys" */
    const uint8_t *data;
    size_t size;
    const char *path; /* for messages and debug information */
};

/* How often in one execution the explorer may let these come early; then they come when nothing else can go on (bounds.c). */
struct machine_bound {
    bool on;
    unsigned most;
};
struct machine_bounds {
    struct machine_bound timers;     /* clock interrupts while anything else can step */
    struct machine_bound interrupts; /* APC and DPC interrupts from another processor while the one that they go to can step */
};

struct machine_config {
    struct machine_file kernel, hal;
    /* Drivers of ours (fltmgr.sys): loaded like any other, but their code counts as the kernel's: never stopped at. */
    const struct machine_file *system;
    unsigned system_count;
    const struct machine_file *drivers;
    unsigned driver_count;
    const void *loader_block; /* copied to RD_LOADER_BLOCK (struct rd_loader_block and what it points to) */
    size_t loader_size;       /* <= RD_LOADER_SIZE */
    unsigned checks;          /* DBT_* features: DBT_SHADOW | DBT_DIRTY | DBT_BUDGETS normally */
    uint64_t step_budget;     /* instructions one step may take before it counts as runaway */
    gva_t driver_base;        /* 0: RD_DRIVER_BASE; tests load elsewhere */
    struct observer observer;
    struct decider decider;
};

enum machine_stop {
    STOP_NONE,          /* the step ended; go on */
    STOP_END,           /* every scenario thread has finished and nothing can move */
    STOP_VIOLATION,     /* machine_violation() says which */
    STOP_LIMIT,         /* a step exceeded its budget: an endless loop without shared accesses */
    STOP_UNIMPLEMENTED, /* machine_error() names it */
    STOP_INTERNAL       /* machine_error() says what */
};

/* Footprint entries. Keys of memory are granules (address >> 3); others have these high bits. */
#define FOOTPRINT_IMAGE 0x4000000000000000ull /* | image serial: read by executing, written by unloading */
#define FOOTPRINT_CPU 0x4100000000000000ull   /* | processor: written by each of its steps and by senders of interrupts */
#define FOOTPRINT_TIME 0x4200000000000000ull  /* virtual time */
#define FOOTPRINT_STORE 0x4300000000000000ull /* | processor: its store buffer */
#define FOOTPRINT_TURN 0x4400000000000000ull  /* | group of equal agents (explore/symmetry.h); never the machine's */
#define FOOTPRINT_BOUND 0x4500000000000000ull /* what bounds on choices depend on (bounds.c); in no step's hash */

/* What a step does to a key: a set of kinds. Accesses of one kind commute, even writes that nobody can tell the order of;
 * accesses of two kinds conflict, and writes conflict with each other. */
#define ACCESS_READ 1u
#define ACCESS_ADD4 2u  /* interlocked addition to aligned four bytes, whose result and flags nothing looks at */
#define ACCESS_ADD8 4u  /* ... to eight */
#define ACCESS_COUNT 8u /* change of a count that nothing looks at meanwhile, as the kernel declares */
#define ACCESS_WRITE 15u

static inline bool access_conflict(unsigned a, unsigned b)
{
    unsigned kinds = a | b;
    return (kinds & (kinds - 1)) != 0;
}

struct footprint_entry {
    uint64_t key;
    uint8_t access;
};

struct step_result {
    enum machine_stop stop;
    const struct footprint_entry *footprint; /* sorted by key, valid until the next step */
    unsigned footprint_count;
    gva_t pc;            /* where the agent stands now */
    uint64_t retired;    /* instructions in this step */
    struct hash128 hash; /* of agent, registers and footprint: equal steps of equal runs agree */
};

struct machine_image {
    char name[RD_ABI_NAME]; /* "upper.sys" */
    const char *path;
    gva_t base;
    uint64_t size;
    gva_t entry;
    uint32_t serial;        /* order of loading, from 0 = kernel */
    bool loaded;            /* false: unloaded, kept for reports */
    bool system;            /* the kernel, the HAL or a driver of ours: not the suspect */
    const uint8_t *file;    /* the file's bytes, as given */
    size_t file_size;
};

struct machine *machine_create(const struct machine_config *config, struct error *e);
void machine_destroy(struct machine *m);

/* Runs the kernel from its entry point to RD_HC_READY in a fixed order. On false, a violation during
 * boot (a DriverEntry that crashes) is reported by machine_violation() and e stays ERROR_NONE. */
bool machine_boot(struct machine *m, struct error *e);

/* Bit set of agents that may take a step now. Zero only after STOP_END or a violation. */
uint64_t machine_enabled(const struct machine *m);
struct step_result machine_step(struct machine *m, unsigned agent);
/* The processor that the agent belongs to. */
unsigned machine_agent_cpu(const struct machine *m, unsigned agent);
/* Whether the agent is the processor's store buffer: its step makes the oldest store visible. */
bool machine_agent_stores(const struct machine *m, unsigned agent);
/* Call when machine_enabled() is zero: STOP_END, or STOP_VIOLATION for a hang. */
enum machine_stop machine_quiescent(struct machine *m);

/* Steps in parts, for debuggers. Paused, a machine may be looked at, gone on with, and restored; nothing else. */
struct machine_pause {
    uint64_t count; /* pause when so many instructions of the step have been executed; ~0: do not */
    bool each;      /* ask before every instruction; else only at stops (machine_set_stops) and wherever control leaves
                       translated code */
    /* True: pause here, in front of the instruction at the processor's rip. NULL: never asked. */
    bool (*before)(void *context, unsigned cpu, uint64_t executed);
    void *context;
};
#define MACHINE_STOPS 64u
/* Goes on with the step under way, or begins agent's. True: the step has ended, *out is its result. */
bool machine_step_part(struct machine *m, unsigned agent, const struct machine_pause *pause, struct step_result *out);
/* Instructions of the step under way that have been executed. */
uint64_t machine_step_executed(const struct machine *m);
void machine_set_stops(struct machine *m, const gva_t *addresses, unsigned count);

/* Booting in parts: machine_boot is begin, then one step after the other by machine_boot_agent, until machine_boot_ready; then
 * finish. A debugger may restore to before any of them and go on again. */
bool machine_boot_begin(struct machine *m, struct error *e);
/* The agent whose turn it is after `last` (0 at first); MACHINE_AGENTS: none is enabled. */
unsigned machine_boot_agent(const struct machine *m, unsigned next);
bool machine_boot_ready(const struct machine *m);
void machine_boot_finish(struct machine *m);

/* Everything that a run can change: arena, processors, images, pool records. Depths as arena_push. */
unsigned machine_push(struct machine *m);
void machine_restore(struct machine *m, unsigned depth);
void machine_drop(struct machine *m, unsigned depth);

/* Exploration mode on: share cells are consulted, footprints collected, driver code stops at shared
 * locations. Off (boot, plain run): steps end only when a processor halts or at its quantum. */
void machine_set_sharing(struct machine *m, bool on);
/* True when locations turned out to be shared that this execution did not treat so; begin_execution
 * folds them in, after which explored results without them are void. */
/* Since sharing was turned on a driver has asked what tells its threads or processors apart. */
bool machine_told_apart(const struct machine *m);
bool machine_sharing_grew(const struct machine *m);
void machine_begin_execution(struct machine *m);
/* The shared locations as sorted granules, for a failure file; machine_share_add loads them. */
size_t machine_share_list(const struct machine *m, uint64_t **granules_out);
/* Those that the present execution found and that are without effect yet. */
size_t machine_share_found(const struct machine *m, uint64_t **granules_out);
void machine_share_add(struct machine *m, const uint64_t *granules, size_t count);

/* Only these locations are shared, and nobody has touched any other one yet. */
void machine_share_reset(struct machine *m, const uint64_t *granules, size_t count);

void machine_set_observer(struct machine *m, const struct observer *o);
void machine_set_decider(struct machine *m, const struct decider *d);
/* Unbounded until this is called; nothing is bounded while sharing is off. */
void machine_set_bounds(struct machine *m, const struct machine_bounds *b);

/* Inspection: valid at any time between steps. */
const struct violation *machine_violation(const struct machine *m); /* NULL: none */
const struct error *machine_error(const struct machine *m);
const struct vcpu *machine_cpu(const struct machine *m, unsigned number);
unsigned machine_cpu_count(const struct machine *m); /* started ones */
uint64_t machine_step_count(const struct machine *m);
unsigned machine_image_count(const struct machine *m);
const struct machine_image *machine_image(const struct machine *m, unsigned index);
/* The image whose range holds a, loaded or unloaded (latest first); NULL: none. */
const struct machine_image *machine_image_at(const struct machine *m, gva_t a);
unsigned machine_thread_count(const struct machine *m);
/* Copies the guest's struct rd_thread number `index`. */
bool machine_thread(const struct machine *m, unsigned index, struct rd_thread *out);
/* Index of the thread that processor runs; ~0u: none. */
unsigned machine_thread_on(const struct machine *m, unsigned cpu);
/* Address of the guest's struct rd_irp_log (abi/verifier.h); 0: the kernel has none. */
gva_t machine_irp_log(const struct machine *m);

/* A change of a thread's APC disable counts, by whatever code: the machine watches the field itself. */
#define MACHINE_CHANGE_FRAMES 10u
struct machine_apc_change {
    gva_t kthread;
    gva_t pc;            /* the instruction that wrote */
    uint64_t step;
    int16_t old_kernel, new_kernel;   /* KernelApcDisable: critical regions */
    int16_t old_special, new_special; /* SpecialApcDisable: guarded regions */
    uint32_t frame_count;
    uint32_t cpu;
    gva_t frames[MACHINE_CHANGE_FRAMES]; /* pc, then return addresses; kernel frames between the first two and the
                                            driver are left out */
};
/* The latest changes of all threads, oldest first; returns how many were filled in. */
unsigned machine_apc_log(const struct machine *m, struct machine_apc_change *out, unsigned max);
/* The changes of one thread that no opposite change has undone, oldest first. *more: how many did not fit. */
unsigned machine_apc_outstanding(const struct machine *m, gva_t kthread, struct machine_apc_change *out, unsigned max,
                                 unsigned *more);

struct machine_pool_block {
    gva_t address;
    uint64_t bytes;
    uint32_t tag;
    bool freed;
    unsigned cpu_allocated, cpu_freed;
    gva_t allocated_by, freed_by; /* return address in the driver that called */
    uint64_t owner;               /* not 0: a verified driver's */
    uint32_t type, flags;         /* POOL_TYPE, RD_POOL_* */
};
/* The block whose bytes or zones hold a; false: none. */
unsigned machine_pool_count(const struct machine *m);
/* Block number `index` in the order of allocation. */
bool machine_pool_record(const struct machine *m, unsigned index, struct machine_pool_block *out);
bool machine_pool_block(const struct machine *m, gva_t a, struct machine_pool_block *out);

/* A store that waits in a processor's buffer: only its own processor sees it yet (--tso). */
#define MACHINE_STORES 4u
#define MACHINE_STORE_BYTES 32u
struct machine_store {
    gva_t address, pc; /* pc: the instruction */
    uint32_t size;
    uint8_t bytes[MACHINE_STORE_BYTES];
};
/* Oldest first; returns how many, at most MACHINE_STORES. */
unsigned machine_stores(const struct machine *m, unsigned cpu, struct machine_store out[MACHINE_STORES]);

/* A pointer into a thread's stack that the kernel holds, and the frame it points into. */
#define MACHINE_HOLD_STACK 14u
struct machine_hold {
    gva_t pointer;
    uint32_t kind;      /* enum rd_hold */
    unsigned thread;    /* that handed it over */
    gva_t function;     /* where the frame's function stood: a return address, unless the frame was the innermost */
    gva_t slot;         /* of the frame's return address */
    bool ended;
    uint64_t step;      /* number of the step in which the pointer was handed over; 0 during boot */
    uint64_t ended_step;
    unsigned stack_count;
    gva_t stack[MACHINE_HOLD_STACK]; /* the call that handed it over: return addresses, innermost first */
};
bool machine_hold(const struct machine *m, unsigned index, struct machine_hold *out);

/* Hash of the final memory and registers, and of all steps so far. */
struct hash128 machine_state_hash(const struct machine *m);
struct hash128 machine_trace_hash(const struct machine *m);
/* Calls fn for each function of a driver's image (by .pdata) with whether any of its code was ever executed, in any
 * execution so far; needs DBT_COVERAGE among the checks. */
typedef void (*machine_function_fn)(void *context, gva_t start, gva_t end, bool executed);
void machine_each_function(const struct machine *m, const struct machine_image *image, machine_function_fn fn,
                           void *context);

#endif
