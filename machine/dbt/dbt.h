/*
 * The translator: runs guest code of one virtual processor until something happens that the machine
 * must decide about. It knows instructions, shadow bytes and code classes; it does not know images,
 * threads, steps or NT. One translator a process: its context and tables lie at fixed low addresses so
 * that generated code reaches them with 32-bit displacements.
 *
 * Precision: at every exit the registers are exactly the guest's at `regs.rip`; arithmetic flags that
 * the guest can no longer observe may be masked to zero, never left to chance.
 */
#ifndef MACHINE_DBT_DBT_H
#define MACHINE_DBT_DBT_H

#include "base/error.h"
#include "machine/vcpu.h"

/* What kind of code an address holds; decides the instrumentation and what may call what. */
enum code_class {
    CODE_NONE,          /* nothing may execute here */
    CODE_KERNEL,        /* our kernel: accesses are logged, never stopped at; VMCALL allowed */
    CODE_KERNEL_NOLOG,  /* kernel code in section .nolog: declares its footprint itself (RD_HC_TOUCH). Linked with
                           CODE_KERNEL of the same image: going from one to the other is no DBT_CROSS */
    CODE_DRIVER         /* the suspect: stops before an access to a shared location */
};

/* A maximal run of executable bytes with one class, as the machine sees it. */
struct code_range {
    gva_t start, end;
    enum code_class class;
    uint32_t image; /* 0 = kernel, 1.. = others; two addresses with equal image and class may be linked */
    bool pageable;  /* and with equal pageable: entering such code is a DBT_CROSS, raising the IRQL in it ends a run */
};

enum dbt_exit_reason {
    DBT_CROSS,      /* control left [image, class]: rip is the target, nothing executed there yet */
    DBT_SHARED,     /* driver code is about to access a shared location; rip is that instruction */
    DBT_HYPERCALL,  /* VMCALL executed by kernel code; rip is behind it */
    DBT_HALT,       /* HLT executed; rip is behind it */
    DBT_INTERRUPT,  /* IRQL or IF changed so that vcpu.pending may now be taken; rip is the next instruction */
    DBT_BAD_ACCESS, /* shadow or address says no; rip is the instruction, the access has not happened */
    DBT_FAULT,      /* the processor said no (write to read-only memory, unmapped address): same */
    DBT_EXCEPTION,  /* vector: 0 divide, 1 debug, 3 INT3 (rip behind it), 6 undefined, 13 general protection,
                       16 x87, 17 alignment, 19 SIMD, 0x29 fast fail, 0x2C assertion, 0x2D debug service */
    DBT_UNSUPPORTED,/* an instruction that the translator refuses: text names it */
    DBT_BUDGET,     /* vcpu.retired has reached the limit given to dbt_run (block granularity, deterministic) */
    DBT_ONE,        /* dbt_run_one, dbt_run_single: the instruction has been executed; dbt_run: rip is a stop (dbt_set_stops) */
    DBT_FENCE,      /* a locked instruction or MFENCE is next, and dbt_set_stores() said that stores wait */
    DBT_FRAME       /* a return is about to take an address whose shadow is RD_SHADOW_FRAME: address */
};

struct dbt_exit {
    enum dbt_exit_reason reason;
    gva_t from;           /* DBT_CROSS: the instruction that left */
    gva_t address;        /* DBT_BAD_ACCESS, DBT_FAULT, DBT_SHARED: first byte of the access */
    uint32_t size;
    bool write;
    uint8_t shadow;       /* DBT_BAD_ACCESS: the code found (abi/shadow.h) */
    uint8_t vector;       /* DBT_EXCEPTION */
    char text[96];        /* DBT_UNSUPPORTED: mnemonic */
};

/* Instrumentation, chosen when blocks are translated; changing it flushes the cache. */
#define DBT_SHADOW 1u  /* check every access against shadow memory */
#define DBT_DIRTY 2u   /* mark written pages (needed by snapshots) */
#define DBT_SHARE 4u   /* consult share cells (exploration) */
#define DBT_COVERAGE 8u
#define DBT_BUDGETS 16u /* count retired instructions, honour limits */
#define DBT_FENCES 128u /* in driver code: DBT_FENCE */
#define DBT_FRAMES 64u /* look at the shadow of return addresses, for DBT_FRAME */
#define DBT_SHARE_STACK 32u /* with DBT_SHARE: consult cells for PUSH, POP, CALL and RET too */

/* What the translator asks of the machine. `context` is the one given to dbt_create. */
struct dbt_callbacks {
    /* The range that holds pc, or a CODE_NONE range. Called when a block is translated. */
    struct code_range (*code)(void *context, gva_t pc);
    /* An access whose share cell is not plainly this processor's own (see share cells in
     * docs/architecture.md). Returns true when driver code must stop before it. May be called with
     * the guest's vector registers live: compile with general registers only. An instruction that
     * stops may have a second access, which DBT_SHARED cannot name: that one is passed here with
     * CODE_KERNEL just before the exit, so that it is entered too. */
    bool (*share)(void *context, gva_t address, uint32_t size, bool write, enum code_class class);
    /* Whether the running processor, whose stack pointer is rsp, may not touch this byte of RD_SHADOW_FRAME.
     * Same rule about registers. NULL: it may. */
    bool (*frame)(void *context, gva_t address, gva_t rsp);
};

struct dbt;

/* Reserves the fixed addresses; ERROR_INTERNAL names the address when one is taken. */
struct dbt *dbt_create(const struct dbt_callbacks *callbacks, void *context, unsigned features,
                       struct error *e);
void dbt_destroy(struct dbt *d);
void dbt_set_features(struct dbt *d, unsigned features);

/* Runs `cpu` until an exit. `limit` is an absolute value of cpu->retired. */
struct dbt_exit dbt_run(struct dbt *d, struct vcpu *cpu, uint64_t limit);
/* Executes the one instruction at rip, shared access or not; any exit but DBT_SHARED may result. */
struct dbt_exit dbt_run_one(struct dbt *d, struct vcpu *cpu);

/* The same with share cells consulted, as dbt_run does: for debuggers. */
struct dbt_exit dbt_run_single(struct dbt *d, struct vcpu *cpu);
/* Addresses in front of which dbt_run comes back, unless it begins there. */
#define DBT_STOPS 64
void dbt_set_stops(struct dbt *d, const gva_t *addresses, unsigned count);

/* Whether the instruction at rip is an interlocked addition or subtraction of aligned four or eight bytes of memory, and nothing that
 * comes can tell what it found there: neither its flags nor a register with the sum are used again. False when that is
 * not certain. */
bool dbt_adds(struct dbt *d, const struct vcpu *cpu);

/* Drops translations whose guest code lies in [start, end): unload, or code bytes changed. */
void dbt_invalidate(struct dbt *d, gva_t start, gva_t end);

/* The value that share cells hold for the running processor: number + 1 (abi in architecture.md). */
void dbt_set_agent(struct dbt *d, uint8_t agent);
/* Whether stores of the running processor wait to become visible: then DBT_FENCE may result. */
void dbt_set_stores(struct dbt *d, bool waiting);

struct dbt_stats {
    uint64_t blocks, guest_instructions, host_bytes, exits, slow_shadow, slow_share, translate_ns;
};
struct dbt_stats dbt_stats(const struct dbt *d);
/* Distinct block starts executed within [start, end); needs DBT_COVERAGE. */
uint64_t dbt_coverage(const struct dbt *d, gva_t start, gva_t end);

#endif
