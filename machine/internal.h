/* What the machine's own files share. The part of the state that a run can change lies in the arena's
 * private range, so that arena snapshots cover it; struct machine holds what stays for the process. */
#ifndef MACHINE_INTERNAL_H
#define MACHINE_INTERNAL_H

#include "base/vec.h"
#include "machine/arena_internal.h"
#include "machine/dbt/dbt.h"
#include "machine/machine.h"
#include "machine/pe/pe.h"

#define RUN_MAX_POOL 65536u
#define RUN_LOOP_POINTS 8u
#define RUN_LOOP_READS 64u
#define NO_TIMER (~0ull)

struct run_image {
    gva_t base;
    uint64_t size;
    gva_t entry;
    uint32_t file; /* index into machine.files */
    uint32_t loaded;
    uint32_t pageable; /* its PAGE sections are checked against the IRQL (RD_SHADOW_PAGED_IMAGE) */
    uint32_t reserved;
};

/* A place where a processor stood at the end of a step, to recognise that it goes in circles. */
struct loop_point {
    gva_t rip;
    uint64_t registers; /* hash */
    uint64_t memory;    /* hash of what drivers can write; 0: not taken yet */
};

/* State of loop_probe() over one step. */
struct loop_probe {
    struct loop_point point;
    unsigned blocks;
};

struct run_cpu {
    struct vcpu cpu;
    uint64_t await_hash;     /* VCPU_AWAIT: enabled when what is looked at differs from this */
    uint64_t await_memory;   /* of a loop: all that drivers could write when it began to await */
    uint32_t await_is_loop;
    uint32_t loop_next;
    gva_t driver_call;       /* return address of the driver's latest call into the kernel, 0 in a driver */
    struct loop_point loop[RUN_LOOP_POINTS];
    uint32_t read_count; /* granules read in the present turn of the loop that it may be in */
    uint32_t turn_point; /* index + 1 of the point at which turns are counted; 0: none yet */
    uint32_t turn_age;
    uint32_t reserved;
    uint64_t reads[RUN_LOOP_READS];
};

struct run_pool {
    gva_t address;
    uint64_t bytes;
    uint32_t tag;
    uint16_t cpu_allocated, cpu_freed;
    gva_t allocated_by, freed_by;
    uint32_t freed;
    uint32_t type;
    uint64_t owner; /* a verified driver's record in the guest; 0: not verified */
    uint32_t flags; /* RD_POOL_* */
    uint32_t reserved;
};

struct run {
    uint64_t time;      /* 100 ns since boot */
    uint64_t timer_due; /* NO_TIMER: none armed */
    uint64_t step_count;
    struct hash128 trace;
    uint32_t cpu_count; /* one past the highest started */
    uint32_t thread_count;
    uint32_t image_count;
    uint32_t pool_count;
    gva_t next_image;
    uint32_t ready;
    uint32_t early_timers, early_interrupts; /* counted where they are bounded */
    uint32_t reserved;
    gva_t threads[RD_MAX_STACKS]; /* struct rd_thread of each */
    struct run_image images[MACHINE_MAX_IMAGES];
};

#define RUN_BASE ARENA_PRIVATE_BASE
#define RUN_CPU_BASE (ARENA_PRIVATE_BASE + 0x8000)
#define RUN_CPU_STRIDE 0x800ull
/* --tso: buffers of the processors that may have one. */
#define STORE_CPUS 16u
#define STORE_LIMIT 4u
#define STORE_BYTES 32u
#define RUN_STORES_BASE (ARENA_PRIVATE_BASE + 0x18000)
#define RUN_STORES_STRIDE 0x400ull
#define RUN_FRAMES_BASE (ARENA_PRIVATE_BASE + 0x20000)
#define RUN_POOL_BASE (ARENA_PRIVATE_BASE + 0x40000)
#define RUN_WATCH_BASE (RUN_POOL_BASE + RUN_MAX_POOL * 64ull)
#define RUN_WATCH_LOG_BASE (RUN_WATCH_BASE + RD_MAX_STACKS * 0x1000ull)
_Static_assert(sizeof(struct run) <= 0x8000, "fits its place");
_Static_assert(sizeof(struct run_cpu) <= RUN_CPU_STRIDE, "fits its place");
_Static_assert(sizeof(struct run_pool) == 64, "fits its place");

static inline struct run *run_state(void)
{
    return arena_host(RUN_BASE);
}
static inline struct run_cpu *run_cpu(unsigned n)
{
    return arena_host(RUN_CPU_BASE + n * RUN_CPU_STRIDE);
}
static inline struct run_pool *run_pool(uint32_t i)
{
    return arena_host(RUN_POOL_BASE + (uint64_t)i * sizeof(struct run_pool));
}

/* A PE file given to the machine, parsed once, and its mapped and bound bytes for the base used last. */
struct machine_pe {
    struct machine_file file;
    struct pe pe;
    uint8_t *mapped;
    uint8_t *bound;
    gva_t mapped_base;
};

struct code_section {
    gva_t start, end;
    enum code_class class;
};

struct missing_import {
    char *text; /* "ntoskrnl.exe!KeFoo" */
};

/* The step under way: what one part of it hands to the next. */
struct step_progress {
    bool open;    /* paused in it */
    bool running; /* the processor has been woken, the loop entered */
    bool early, clock; /* bounds.c: an early arrival; the clock's interrupt */
    unsigned agent;
    uint64_t retired; /* of the processor, when the step began */
    uint64_t end, limit;
    struct loop_probe probe;
    gva_t from;
    struct code_range before;
};

struct machine {
    struct machine_config config;
    struct dbt *dbt;
    struct machine_pe *files; /* 0 kernel, 1 HAL, 2.. drivers */
    unsigned file_count;
    struct machine_image view[MACHINE_MAX_IMAGES];
    gva_t translated_base[MACHINE_MAX_IMAGES]; /* which file's code was last seen at an image base */
    uint32_t translated_file[MACHINE_MAX_IMAGES];
    unsigned translated_count;
    VEC(struct missing_import) missing;
    struct image_thunks *thunks; /* of the image being bound; NULL: none */
    gva_t entry_points; /* the kernel's RdEntryPoints */

    bool sharing;
    bool told_apart; /* stays: no snapshot takes it back */
    unsigned agent;
    VEC(struct footprint_entry) footprint;
    uint32_t *seen_table; /* open-addressed set of footprint indices + 1 of this step */
    uint32_t seen_mask;
    bool touched_shared;
    VEC(uint64_t) pending; /* granules found to be shared during this execution */
    VEC(uint64_t) shared;  /* all shared granules */

    struct machine_bounds bounds;
    bool tso;    /* RD_MACHINE_TSO: drivers' stores go through buffers (store.c) */
    bool frames; /* a pointer into a stack has been held: returns are looked at from then on */
    const struct machine_pause *pause; /* of machine_step_part; NULL: whole steps */
    struct step_progress progress;
    enum machine_stop stop;
    bool end_step;         /* a hypercall asked for a scheduling point */
    struct violation violation; /* notes are collected in it during a step, before there is one */
    bool has_violation;
    struct error error;
};

/* code.c */
struct code_range machine_code(void *context, gva_t pc);

/* image.c */
bool image_parse_files(struct machine *m, struct error *e);
/* What the kernel wants done about a driver's imports while they are bound. */
struct image_thunks {
    gva_t table; /* struct rd_thunk[count] */
    uint32_t count;
    uint32_t options;
    gva_t imported[RD_ABI_IMPORTED]; /* out */
    unsigned imported_count;
};
/* Loads file `index`; returns the run image's index or -1 with m->error set. `thunks` may be NULL. */
int image_load(struct machine *m, unsigned file, struct image_thunks *thunks);
void image_unload(struct machine *m, unsigned image);
/* The kernel, the HAL or a driver of ours. */
bool image_is_system(const struct machine *m, unsigned file);
int image_find_file(const struct machine *m, const char *service);
int image_index_at(gva_t a, bool loaded_only);
gva_t image_export(struct machine *m, unsigned image, const char *symbol);
const char *image_missing(const struct machine *m, gva_t a);

/* share.c */
bool share_access(void *context, gva_t address, uint32_t size, bool write, enum code_class class);
void share_begin_step(struct machine *m);
void share_note(struct machine *m, uint64_t key, bool write);
/* An access of the kernel's, or a driver's when its instruction has run: ACCESS_*. */
void share_enter(struct machine *m, gva_t address, uint64_t bytes, unsigned access);
void share_touch_range(struct machine *m, gva_t address, uint64_t bytes, bool write);
void share_clear_cells(void);
/* Sorts the footprint by key, merging equal keys. */
void share_finish_step(struct machine *m);

/* loop.c */
/* returned: the processor stands behind a call, where the calling convention lets registers hold anything. */
bool loop_check(struct machine *m, unsigned cpu, bool returned);
bool loop_changed(unsigned cpu);
/* Something that drivers can write has changed since the loop awaits, whether it looks there or not. */
bool loop_stale(const struct machine *m, unsigned cpu);
/* A step begins that leaves an await: it depends on whoever wrote what was looked at. */
void loop_leave(struct machine *m, unsigned cpu);
void loop_forget(unsigned cpu);
/* An interrupt is taken, and will return to where the processor stands: to be there again is then no turn. */
void loop_interrupted(unsigned cpu);
/* A step that goes on and on: follows it block by block until it is back where it was, with nothing changed.
 * True: it is an endless loop, and the processor now awaits. Else *limit is where to ask again. */
bool loop_probe(struct machine *m, unsigned cpu, struct loop_probe *p, uint64_t *limit);

/* interrupt.c */
bool interrupt_deliverable(const struct vcpu *c);
/* Pushes a frame and enters the kernel's handler; false: the stack has no room. */
bool interrupt_take(struct machine *m, unsigned cpu, unsigned vector);
/* A processor exception that the guest dispatches: pushes a frame and enters the kernel's handler for the vector.
 * address and write matter for vector 14. False: there is no handler, or the stack has no room. */
bool exception_take(struct machine *m, unsigned cpu, unsigned vector, gva_t address, bool write);
void interrupt_send(struct machine *m, unsigned cpu, unsigned level);
void cpu_start(struct machine *m, unsigned cpu);

/* bounds.c: those arrivals that may happen now, and whether the clock's interrupt may while `others` can step. */
uint64_t bounds_arrivals(const struct machine *m, uint64_t arrivals, uint64_t processors);
bool bounds_clock(const struct machine *m, uint64_t others);
/* Counts, before the step; enters what the bounds depend on, when its hash has been taken. */
void bounds_begin(struct machine *m, unsigned agent);
void bounds_finish(struct machine *m);

/* hypercall.c */
void hypercall_dispatch(struct machine *m, unsigned cpu);

/* walk.c */
struct pe_frame walk_begin(const struct vcpu_regs *regs);
/* Where a thread goes on that is not running; false: nowhere. */
bool walk_begin_switched_out(struct machine *m, const struct rd_thread *t, struct pe_frame *out);
/* Replaces *f by its caller; false: there is none. */
bool walk_caller(const struct machine *m, struct pe_frame *f);
/* pc and return addresses from the registers on; returns how many. */
unsigned walk_capture(const struct machine *m, const struct vcpu_regs *regs, gva_t *out, unsigned max);

/* watch.c */
void watch_thread(gva_t kthread);
/* Executes the instruction at rip, whose write to watched counts the translator refused. */
struct dbt_exit watch_write(struct machine *m, unsigned cpu, gva_t address);
void watch_notes(struct machine *m, gva_t kthread, bool blame_latest);

/* pool.c */
void pool_allocated(struct machine *m, unsigned cpu, gva_t a, uint64_t bytes, uint32_t tag, uint32_t type);
uint64_t pool_freed(struct machine *m, unsigned cpu, gva_t a);
bool pool_own(gva_t a, uint64_t owner, gva_t caller, uint32_t flags);
bool pool_query(gva_t a, struct rd_pool_record *out);
/* The owner's next block that is not freed, from index on; the index behind it, 0: none. */
uint32_t pool_owned(struct machine *m, uint64_t owner, uint32_t index, struct rd_pool_record *out);

/* note.c */
/* Notes belong to the step that gave them. */
void notes_forget(struct machine *m);

/* frame.c: frames of stacks that the kernel holds pointers into. */
uint64_t frame_hold(struct machine *m, unsigned cpu, gva_t pointer, gva_t key, uint32_t kind, bool keep);
/* Forgets the holds whose keys lie in [key, key + bytes). */
void frame_forget(gva_t key, uint64_t bytes);
void frame_check(struct machine *m, unsigned cpu, gva_t pointer, gva_t key, uint64_t bytes, uint32_t use);
/* Everything on the running stack below rsp has ended without a return. */
void frame_unwound(struct machine *m, unsigned cpu, gva_t rsp);
/* The return address in `slot` is about to be taken, if it is a frame's; then has been. */
void frame_returns(struct machine *m, gva_t slot);
void frame_returned(gva_t slot);
/* An access to RD_SHADOW_FRAME was refused: completes the trouble. */
void frame_trouble(struct trouble *t);

/* frame_access.c, called while the guest's vector registers are live. The armed pointer that forbids the access, or -1. */
int frame_forbids(gva_t address, gva_t rsp);
bool frame_access(void *context, gva_t address, gva_t rsp);

/* share.c: tells the translator which instrumentation the machine's state calls for. */
void machine_apply_features(struct machine *m);

/* store.c: a processor's stores that others do not see yet. */
bool store_waits(unsigned cpu);
void store_commit(struct machine *m, unsigned cpu);
void store_drain(struct machine *m, unsigned cpu);
/* Executes the one instruction at rip, which accesses a shared location. */
struct dbt_exit store_access(struct machine *m, unsigned cpu, gva_t address, uint32_t size, bool write);

/* step.c */
/* Processors that can step, whatever the clock does; and whether processor 0 has nothing to do but wait for a timer. */
uint64_t processors_enabled(void);
bool clock_waits(void);
/* Forgets the step under way. */
void step_abandon(struct machine *m);
void machine_trouble(struct machine *m, const struct trouble *t);
struct trouble trouble_at(unsigned cpu, enum trouble_kind kind);
void machine_fail(struct machine *m, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void machine_emit(struct machine *m, enum machine_event_kind kind, unsigned cpu, uint32_t code, gva_t pc,
                  uint64_t a, uint64_t b, uint64_t c);
static inline bool machine_listening(const struct machine *m)
{
    return m->config.observer.event != NULL;
}

static inline void mark_run(void)
{
    arena_mark(RUN_BASE, sizeof(struct run));
}
static inline void mark_cpu(unsigned n)
{
    arena_mark(RUN_CPU_BASE + n * RUN_CPU_STRIDE, sizeof(struct run_cpu));
}

#endif
