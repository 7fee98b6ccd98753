/*
 * Private to machine/dbt. One translation goes through four stages, each in its own file:
 *
 *     decode.c classify.c   bytes -> struct insn: what is touched, and how it must be emitted
 *     block.c liveness.c    struct insn[] -> plan: flags, merged checks, the stack window
 *     check.c borrow.c rewrite.c branch.c emit.c   plan -> host code, one instruction at a time
 *     cache.c               finished blocks: look-up, linking, invalidation
 *
 * and running takes place in exits.c (the loop), entry.c (assembly in and out), slow.c, emulate.c,
 * strings.c (C called from generated code), fault.c and trap.c (signals).
 *
 * A *site* is a place in generated code where control may leave it: it knows the guest instruction
 * and where each guest register is at that moment. Everything that needs exact guest state goes
 * through one, so there is one piece of code (site_registers) that reconstructs it.
 */
#ifndef MACHINE_DBT_INTERNAL_H
#define MACHINE_DBT_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "machine/arena.h"
#include "machine/dbt/dbt.h"

#if defined(__clang__) || !defined(__GNUC__)
#error                                                                                             \
    "the helpers of generated code must not touch vector registers: GCC's target pragma is needed"
#endif

/* Loops that the compiler must not turn into memcpy and memset, which use vector registers. */
static inline void copy_registers(uint64_t to[16], const uint64_t from[16])
{
    for (int r = 0; r < 16; r++) {
        to[r] = from[r];
        __asm__ volatile("" : : : "memory");
    }
}
static inline void clear_words(void *at, unsigned words)
{
    for (unsigned k = 0; k < words; k++) {
        ((uint64_t *)at)[k] = 0;
        __asm__ volatile("" : : : "memory");
    }
}

/* Guest data through a host pointer: any alignment, any type. */
typedef uint16_t __attribute__((aligned(1), may_alias)) loose16;
typedef uint32_t __attribute__((aligned(1), may_alias)) loose32;
typedef uint64_t __attribute__((aligned(1), may_alias)) loose64;

/* --- fixed addresses ------------------------------------------------------------------------- */

#define CTX_BASE 0x07000000u
#define TABLE_BASE 0x08000000u /* inline look-up tables, TABLE_SIZE each, one per linkable unit */
#define TABLE_ENTRIES 65536u   /* indexed by the low 16 bits of the target */
#define TABLE_SIZE (TABLE_ENTRIES * 16u)
#define TABLE_COUNT 96u
/* Within reach of a 32-bit displacement from the images' host addresses. */
#define CODE_BASE (RD_IMAGE_BASE + 0x40000000ull + RD_HOST_DELTA)
#define CODE_SIZE 0x10000000ull
#define COLD_OFFSET 0x08000000u /* out-of-line code lies in the upper half */

/* What generated code and the assembly in entry.c address absolutely. Offsets are asserted there.
 * "Packed" flags are in LAHF/SETO form: AH as LAHF leaves it, AL the overflow flag. */
struct dbt_context {
    uint64_t gpr[16];      /* 0: guest in on entry; host out on exit, guest-exact when left early */
    uint64_t flags;        /* 128: RFLAGS when control came out */
    uint64_t host_rsp;     /* 136 */
    uint64_t jump;         /* 144: where to enter or resume */
    uint32_t site;         /* 152: the site that is leaving */
    uint32_t use_avx;      /* 156 */
    uint64_t spill[2];     /* guest value of the lent register; of rax while flags are moved */
    uint64_t indirect[2];  /* guest r11 and r10 during an indirect branch */
    uint64_t indirect_rcx; /* and rcx */
    uint64_t saved_flags;  /* packed guest flags while instrumentation uses RFLAGS */
    int64_t left;          /* instructions left of the budget */
    uint64_t pcr;
    uint32_t agent_read;  /* agent code in each byte */
    uint32_t agent_write; /* agent code | SHARE_WRITTEN in each byte */
    uint32_t df;          /* 0 or 0x400: the direction flag is virtual */
    uint32_t vif;         /* 0 or 0x200: so is the interrupt flag */
    uint64_t exit_stub, helper_stub;
    uint64_t irql;
    uint32_t host_mxcsr;   /* 264 */
    uint32_t mxcsr;        /* 268 */
    uint64_t helper_flags; /* 272: packed flags around a helper, and to enter with */
    void *vectors;         /* 280: the running processor's ymm */
    /* C only from here. */
    uint64_t helper_site; /* site + 1 while a C helper runs for generated code */
    uint64_t probe;       /* guest address that the helper is about to touch */
    uint32_t probe_size;  /* 0: the helper touches guest memory itself, the trap tells where */
    uint32_t probe_write;
    uint32_t stores;     /* of the running processor wait to become visible */
    uint32_t left_early; /* a helper or trap has filled `exit`; ctx.gpr is guest-exact */
    uint32_t retry;      /* left early to go on inside: GO_UNMERGED, GO_TRANSFER */
    gva_t rip;
    uint32_t undone; /* instructions of the block that were counted but not executed */
    struct dbt_exit exit;
};
enum {
    GO_UNMERGED = 1, /* at rip, in the block version without merged checks */
    GO_TRANSFER      /* at rip, which may be anywhere */
};
#define CTX ((struct dbt_context *)(uintptr_t)CTX_BASE)
#define CTX_AT(field) ((uint32_t)(CTX_BASE + offsetof(struct dbt_context, field)))

/* --- decoded instructions -------------------------------------------------------------------- */

/* Masks: bits 0..15 registers in encoding order, then the six arithmetic flags. */
#define FLAG_CF (1u << 16)
#define FLAG_PF (1u << 17)
#define FLAG_AF (1u << 18)
#define FLAG_ZF (1u << 19)
#define FLAG_SF (1u << 20)
#define FLAG_OF (1u << 21)
#define MASK_FLAGS (0x3Fu << 16)
#define MASK_GPRS 0xFFFFu
#define MASK_ALL (MASK_FLAGS | MASK_GPRS)
#define BIT(r) (1u << (r))
#define ARITH_FLAGS 0x8D5u /* the same six in RFLAGS */

#define NO_REG (-1)

/* A guest effective address: [pcr +] base + index * scale + disp; base and index may be NO_REG. */
struct mem {
    int64_t disp;
    int8_t base, index;
    uint8_t scale;
    uint8_t pcr : 1;   /* GS-relative in the guest */
    uint8_t fixed : 1; /* RIP-relative or MOFFS: disp is the whole address */
    uint8_t wide : 1;  /* fixed, but no 32-bit displacement from the code cache reaches it */
    uint8_t low : 1;   /* 32-bit address size: the sum is cut to 32 bits, JRCXZ looks at ecx */
};

enum op {
    OP_COPY, /* the guest's bytes, with a GS prefix when memory is touched */
    OP_NOP,  /* nothing at all: prefetches, NOPs with operands, PAUSE, CLFLUSH */
    OP_LEA_RIP,
    OP_MOFFS,
    OP_PUSH_REG,
    OP_PUSH_IMM,
    OP_PUSH_MEM,
    OP_POP_REG,
    OP_POP_MEM,
    OP_LEAVE,
    OP_STD,
    OP_CLD,
    OP_READ_CR8,
    OP_EMULATE, /* a C helper: emulate.c decides by `action` */
    /* terminators */
    OP_JMP,
    OP_JCC,
    OP_COUNT_BRANCH,
    OP_CALL,
    OP_JMP_REG,
    OP_JMP_MEM,
    OP_CALL_REG,
    OP_CALL_MEM,
    OP_RET,
    OP_STOP /* a C helper that always leaves, or continues at another rip */
};
#define OP_ENDS_BLOCK(op) ((op) >= OP_JMP)

enum action {
    ACT_NONE,
    ACT_MOVS,
    ACT_STOS,
    ACT_LODS,
    ACT_CMPS,
    ACT_SCAS,
    ACT_XLAT,
    ACT_PUSH,
    ACT_POP,
    ACT_ENTER,
    ACT_PUSHF,
    ACT_POPF,
    ACT_STI,
    ACT_CLI,
    ACT_WRITE_CR8,
    ACT_CPUID,
    ACT_RDTSC,
    ACT_RDTSCP,
    ACT_XGETBV,
    ACT_IRET,
    ACT_HALT,
    ACT_HYPERCALL,
    ACT_FENCE, /* in front of a fence: see gather() */
    ACT_TRAP /* vector in imm */,
    ACT_UNSUPPORTED
};

struct insn {
    gva_t pc, target;
    uint32_t use, kill; /* registers and flags read; wholly overwritten */
    uint32_t live;      /* filled by block.c: what is live before it (flags only are meaningful) */
    uint8_t length, op, action;
    bool has_mem, reads, writes;
    bool faults;        /* may fault without touching memory: division, vector arithmetic */
    bool touches_flags; /* reads or may change any arithmetic flag */
    bool fence;         /* waits for the processor's earlier stores: locked, XCHG with memory, MFENCE, CPUID */
    bool bit_index;     /* BT family with a register index: touches memory beyond the operand */
    uint8_t size; /* bytes touched; 0: not 1 2 4 8 16 32, must be checked in C with odd_size */
    uint8_t odd_size;
    int8_t reg;    /* the register of PUSH, POP, MOV CR8; bit index register of BT */
    uint8_t cc;    /* condition code; for OP_COUNT_BRANCH the low opcode byte */
    uint8_t rep;   /* 0, 0xF2 or 0xF3 */
    uint8_t width; /* operand width in bytes */
    int64_t imm;
    struct mem m;
    uint16_t mnemonic;
    uint8_t modrm_at, sib_at, disp_at, disp_size, prefixes; /* raw layout */
    uint8_t bytes[15];
    /* The plan, filled by block.c. */
    bool shadow_done; /* covered by an earlier merged check */
    bool aligned;     /* ... which also proved natural alignment */
    bool leads;       /* carries a merged check of [merge_lo, merge_hi) from base */
    bool merge_aligned;
    int16_t merge_lo, merge_hi;
    int16_t stack_lo, stack_hi; /* stores of the stack window, from rsp before this; equal: none */
    int16_t push_lo;            /* lowest push of the window, from rsp before this; 0: none */
    bool stack_done;            /* this stack store was marked by an earlier window */
};

#define BLOCK_MAX 64

/* The instruction at pc, until the next call; NULL when no whole, valid one lies before `end`. */
const struct insn *decode(gva_t pc, gva_t end);
/* Code bytes have changed. */
void decode_forget(void);
const char *mnemonic_name(uint16_t mnemonic);
/* Change of rsp that the instruction makes, when it is known when translating. */
bool stack_delta(const struct insn *x, int32_t *delta);

/* liveness.c: what may be read at pc before it is written; scans ahead inside [start, end). */
uint32_t liveness_at(const struct code_range *range, gva_t pc);
uint32_t liveness_after(const struct code_range *range, const struct insn *x);

/* --- sites and blocks ------------------------------------------------------------------------ */

enum site_kind {
    SITE_FAULT,  /* only the fault handler looks at it */
    SITE_ACCESS, /* slow path of a check: everything about that access is done in C */
    SITE_GROUP,  /* slow path of a merged check */
    SITE_STACK,  /* slow path of a push or of a stack allocation */
    SITE_FRAME,  /* a return whose address lies in a granule of RD_SHADOW_FRAME */
    SITE_EMULATE,
    SITE_LINK,     /* direct branch to `target`, patchable */
    SITE_INDIRECT, /* target is rcx - r11 */
    SITE_BUDGET,
    SITE_ONE /* dbt_run_one is through; continues at `target` */
};
uint16_t rflags_of(uint32_t mask); /* the flags of a liveness mask */
enum flags_state { FLAGS_DEAD, FLAGS_HOST, FLAGS_SAVED };

struct site {
    gva_t pc;
    gva_t target;    /* LINK, ONE; GROUP: low, high displacement in merge_* instead */
    uint8_t *resume; /* helpers: where to go on; LINK: the rel32 to patch */
    uint8_t *stub;   /* LINK: where the rel32 points while unlinked */
    struct mem m;
    int64_t imm;
    uint32_t block;
    uint32_t next; /* LINK: next site that is linked to the same block; 0 ends */
    int16_t merge_lo, merge_hi;
    uint16_t left; /* instructions of the block not executed when leaving before this one */
    uint16_t mnemonic;
    uint16_t live_flags; /* in RFLAGS: what an exit shows; the rest is masked to zero */
    uint8_t kind, action, flags, size, length, width, rep;
    int8_t reg, lent; /* lent: this guest register is in ctx.spill[0] */
    bool write, in_indirect, merged, bit_index, checks_shadow;
    bool with_stack, stack_write; /* ACCESS: the instruction also makes an implicit stack access */
};

/* ONE passes over share cells, SINGLE consults them; both are one instruction. */
enum variant { VARIANT_NORMAL, VARIANT_UNMERGED, VARIANT_ONE, VARIANT_SINGLE };

struct block {
    gva_t pc, end;
    uint8_t *entry, *indirect_entry;
    uint32_t hash_next;
    uint32_t incoming; /* first linked site */
    uint16_t count;
    uint8_t variant, class, unit;
    bool dead, in_table, pageable;
};

struct host_fault {
    uint32_t at; /* offset in the code cache */
    uint32_t site;
};

/* A unit is what may be linked: the ranges of one image, kernel or driver code. Image numbers are
 * not its identity: translations outlive an unload, and in the next execution another image may
 * have the number. A range's bounds are, because whoever puts other code there calls
 * dbt_invalidate. */
struct unit_range {
    gva_t start, end;
    uint8_t unit;
    bool driver, pageable;
};

#define HASH_BITS 15
struct dbt {
    struct dbt_callbacks callbacks;
    void *context;
    unsigned features;
    struct vcpu *cpu;
    uint64_t limit;
    bool one;                                       /* inside dbt_run_one or dbt_run_single */
    gva_t stops[DBT_STOPS];
    unsigned stop_count;
    uint8_t *hot, *cold;                            /* next free byte of each half of the cache */
    VEC(struct block) blocks;                       /* number 0 is never used */
    VEC(struct site) sites;                         /* same */
    VEC(struct host_fault) hot_faults, cold_faults; /* ascending */
    uint32_t hash[1u << HASH_BITS];
    VEC(struct unit_range) ranges; /* which code belongs to which unit */
    VEC(gva_t) covered;            /* sorted block starts, for coverage */
    bool covered_dirty;
    struct dbt_stats stats;
    uint64_t flushes; /* counts so that a loop notices that its blocks are gone */
};
extern struct dbt *dbt_self; /* the one of this process, for signal handlers and helpers */

/* cache.c */
uint32_t block_find(struct dbt *d, gva_t pc, uint8_t variant);
void block_insert(struct dbt *d, uint32_t number);
void block_link(struct dbt *d, uint32_t site, uint32_t block);
void table_insert(struct dbt *d, uint32_t block);
uint8_t unit_of(struct dbt *d, const struct code_range *range); /* may flush */
bool unit_holds(struct dbt *d, uint8_t unit, gva_t target);
void cache_flush(struct dbt *d);
static inline bool is_stop(const struct dbt *d, gva_t pc)
{
    for (unsigned i = 0; i < d->stop_count; i++)
        if (d->stops[i] == pc)
            return true;
    return false;
}
void coverage_note(struct dbt *d, gva_t pc);
struct site *site_at_host(struct dbt *d, uint64_t host_pc);

/* block.c: 0 when nothing may execute at pc. */
uint32_t translate(struct dbt *d, gva_t pc, uint8_t variant);

/* entry.c */
void dbt_enter(void);
extern const char dbt_exit_stub[], dbt_helper_stub[], dbt_leave_tail[];

/* fault.c */
bool fault_install(struct error *e);
void fault_remove(void);
/* Guest registers at a site, from host registers at that moment. */
void site_registers(const struct site *s, const uint64_t host[16], uint64_t guest[16]);
/* Guest arithmetic flags at a site; host_flags in LAHF/SETO form. */
uint64_t site_flags(const struct site *s, uint64_t host_flags);
uint64_t mem_address(const struct mem *m, const uint64_t gpr[16]);
/* Leaves translated code at the instruction of `s` (not executed): ctx gets guest state. */
void leave_at(struct dbt *d, const struct site *s, const uint64_t host[16], uint64_t host_flags);
/* Clears CTX->exit and sets its reason. */
struct dbt_exit *exit_record(enum dbt_exit_reason reason);

/* Guest state of a helper that leaves; behind: the instruction has been executed. */
void leave_with_state(const struct site *s, const uint64_t gpr[16], uint64_t flags, bool behind);
bool share_active(const struct dbt *d, const struct block *b);

/* slow.c: called from generated code. Returns where to go on; NULL leaves. */
uint8_t *dbt_helper(uint32_t site);
bool access_allowed(struct dbt *d, gva_t a, uint64_t n, gva_t rsp, gva_t *bad, uint8_t *code);
bool access_stops(struct dbt *d, gva_t a, uint64_t n, bool write, enum code_class class,
                  gva_t *where, uint32_t *size);
void access_mark(gva_t a, uint64_t n);

/* emulate.c, strings.c: true when it left (ctx.left_early is set), false to go on behind it. */
bool emulate(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t *flags);
bool emulate_string(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t *flags);

#endif
