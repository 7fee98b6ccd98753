/*
 * Writing host code: a cursor and the few encodings that instrumentation needs. Guest instructions
 * are never re-encoded from a decoded form (that is not byte-identical); only their bytes are
 * copied and patched, in rewrite.c.
 */
#ifndef MACHINE_DBT_EMIT_H
#define MACHINE_DBT_EMIT_H

#include "machine/dbt/internal.h"

/* State of one translation. */
struct translation {
    struct dbt *d;
    struct code_range range;
    struct insn *insns;
    unsigned count, at; /* at: the instruction being emitted */
    unsigned features;  /* of this block: class and variant considered */
    uint32_t block;
    uint8_t variant, unit;
    int lent;          /* guest register in ctx.spill[0], its host register is scratch; or NO_REG */
    bool flags_saved;  /* guest flags in ctx.saved_flags, RFLAGS free for instrumentation */
    uint32_t live_out; /* flags live behind the block */
    unsigned last_need; /* the last instruction that may want scratch */
    bool in_indirect;   /* guest r11, r10 in ctx.indirect[] */
    bool in_cold;
    uint8_t *p;      /* the cursor */
    uint8_t *parked; /* hot cursor while in cold code */
};

/* A host memory operand; gs for guest memory and everything that is found from a guest address. */
struct host_mem {
    int base, index, scale;
    int32_t disp;
    bool gs;
};

#define ABSOLUTE(address) ((struct host_mem){NO_REG, NO_REG, 1, (int32_t)(address), false})
#define AT_CTX(field) ABSOLUTE(CTX_AT(field))
#define AT_REG(r, d) ((struct host_mem){(r), NO_REG, 1, (int32_t)(d), false})
#define AT_GUEST(r, d) ((struct host_mem){(r), NO_REG, 1, (int32_t)(d), true})

/* The guest's instructions of the block, from its number `at` on. */
unsigned instructions_from(const struct translation *t, unsigned at);

void emit8(struct translation *t, unsigned v);
void emit32(struct translation *t, uint32_t v);
void emit64(struct translation *t, uint64_t v);

/* op r, m / op m, r: width in bytes; opcode 0x0Fxx means the two-byte map. */
void emit_op(struct translation *t, int width, unsigned opcode, int reg, struct host_mem m);
void emit_op_reg(struct translation *t, int width, unsigned opcode, int reg, int rm);
void emit_load(struct translation *t, int reg, struct host_mem m);
void emit_store(struct translation *t, struct host_mem m, int reg);
void emit_lea(struct translation *t, int reg, struct host_mem m);
void emit_set32(struct translation *t, struct host_mem m, uint32_t v); /* mov dword m, v */
void emit_constant(struct translation *t, int reg, uint64_t v);
void emit_sar(struct translation *t, int reg, int count);
/* jcc / jmp with a 32-bit displacement to fill in: returns its place. cc -1: jmp. */
uint8_t *emit_branch(struct translation *t, int cc);
void patch_branch(uint8_t *rel32, const uint8_t *to);
void emit_jump_to(struct translation *t, int cc, const uint8_t *to);
/* mov [ctx.site], site; jmp through a stub pointer */
void emit_leave(struct translation *t, uint32_t site, uint32_t stub);

void cold_begin(struct translation *t);
void cold_end(struct translation *t);

/* A site for the present instruction in the present register state. */
uint32_t site_new(struct translation *t, enum site_kind kind, enum flags_state flags);
/* The next host instruction may fault and belongs to `site`. */
void fault_here(struct translation *t, uint32_t site);
enum flags_state flags_now(const struct translation *t);

/* borrow.c: registers and flags lent to instrumentation */
int scratch_take(struct translation *t, uint32_t avoid);
void scratch_return(struct translation *t);
/* Guest flags out of the way, if they are live; back again before the guest looks at them. */
void flags_free(struct translation *t);
void flags_settle(struct translation *t, const struct insn *x);
void flags_restore(struct translation *t);

/* check.c: everything that must happen before the access of insns[at] is made. */
void check_access(struct translation *t, struct insn *x);
void check_stack(struct translation *t, struct insn *x);
bool stack_access(const struct insn *x, int32_t *disp, bool *write);
/* The guest address m into reg, leaving flags alone. */
void emit_address(struct translation *t, int reg, const struct mem *m);

/* rewrite.c */
void emit_plain(struct translation *t, struct insn *x);
void emit_guest_move(struct translation *t, int reg, int address, struct insn *x, bool store);
void stack_fault_here(struct translation *t, int32_t disp, bool write);
/* branch.c */
void emit_terminator(struct translation *t, struct insn *x);
void emit_fall_through(struct translation *t, gva_t target);
#define INDIRECT_ENTRY_BYTES 24u
void emit_prologue(struct translation *t, struct block *b);
void emit_helper_call(struct translation *t, struct insn *x);

enum { CC_B = 2, CC_E = 4, CC_NE = 5, CC_LE = 14 };

#endif
