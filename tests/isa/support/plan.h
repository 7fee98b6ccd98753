/* One instruction after the other: what the generators of single instructions, sequences and
 * programs share. */
#ifndef TESTS_ISA_SUPPORT_PLAN_H
#define TESTS_ISA_SUPPORT_PLAN_H

#include "tests/isa/support/snippet.h"

struct plan {
    struct rng *rng;
    struct trial *t;
    bool sequence;
    /* For sequences, sets of registers (bit number = encoding) that keep their kind throughout: */
    uint16_t pointers;
    uint16_t indexes;   /* small numbers */
    uint16_t addresses; /* made by lea: of no use as data */
    unsigned undefined; /* flags whose value is not defined at this point */
    ZydisDecoder decoder;
};

/* The memory operand of the instruction at hand. */
struct place {
    bool used;
    int base, index; /* encodings, -1: none; base 16 is RIP */
    unsigned scale;
    int64_t displacement;
    uint64_t address;
    uint64_t index_value;
};

struct instruction {
    uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisEncoderOperand encoded[5];
    struct place place;
};

void plan_begin(struct plan *p, struct rng *rng, struct trial *t);
static inline bool plan_chance(struct plan *p, unsigned one_in)
{
    return rng_below(p->rng, one_in) == 0;
}

/* Encodes the form with random operands for code offset `at`; false: this attempt does not do. */
bool plan_encode(struct plan *p, const struct form *form, unsigned at, struct instruction *i);
/* Appends it to the code and keeps account of the flags. */
void plan_append(struct plan *p, const struct form *form, const struct instruction *i);
void plan_add_bytes(struct trial *t, const void *bytes, unsigned n);
/* The opcode and a 32-bit distance to a window offset. */
void plan_add_relative(struct trial *t, const void *opcode, unsigned n, uint32_t target);

/* Encoding of the 64-bit register that holds r; -1: not a general register. */
int plan_gpr_of(ZydisRegister r);
/* A general register that holds data. */
unsigned plan_any_gpr(struct plan *p);
/* A native address in the data: often aligned, sometimes with the page boundary inside. */
uint64_t plan_any_address(struct plan *p, unsigned bytes, bool aligned);

/* Two pointers and an index, in registers of every kind of encoding: p is of a sequence from now
 * on. */
void plan_choose_registers(struct plan *p);
/* An instruction of a random form without `unwanted` options, to stand at offset `at`. */
const struct form *plan_choose(struct plan *p, const struct form *forms, size_t count,
                               unsigned unwanted, unsigned at, struct instruction *i);

#endif
