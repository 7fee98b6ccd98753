/*
 * Instruction forms: mnemonic, operand kinds and sizes. forms.c holds the table, a line for each
 * family; forms_expand makes one struct form of each combination.
 */
#ifndef TESTS_ISA_SUPPORT_FORMS_H
#define TESTS_ISA_SUPPORT_FORMS_H

#include <stdbool.h>
#include <stddef.h>

#include <Zydis/Zydis.h>

enum operand_kind {
    OPERAND_NONE,
    OPERAND_GPR,     /* any general register of `size` bits but the stack pointer */
    OPERAND_HIGH,    /* ah ch dh bh */
    OPERAND_FIXED,   /* `fixed` */
    OPERAND_MEMORY,  /* `size` bits; `aligned` to its size */
    OPERAND_ADDRESS, /* lea's */
    OPERAND_IMMEDIATE,
    OPERAND_COUNT, /* shift counts and other unsigned bytes below `size` */
    OPERAND_LITERAL,
    OPERAND_XMM,
    OPERAND_YMM
};

struct form_operand {
    enum operand_kind kind;
    unsigned size;
    bool aligned;
    ZydisRegister fixed;
    long literal;
};

enum form_option {
    FORM_LOCK = 1,           /* lock prefix */
    FORM_BIT_OFFSET = 2,     /* the register operand addresses bits around the memory operand */
    FORM_DIVIDE = 4,         /* mostly choose a dividend that does not overflow */
    FORM_EQUAL = 8,          /* half of the time rax (and rdx) equal the destination */
    FORM_MOVE = 16,          /* only moves its operands: a pointer is as good as any value */
    FORM_FLOAT = 32,         /* operands hold interesting floating-point numbers */
    FORM_ALONE = 64,         /* not in random sequences */
    FORM_ALIGNED = 128,      /* 128-bit memory operands must be aligned (legacy SSE) */
    FORM_STACK = 256,        /* moves the stack pointer */
    FORM_NOT_ACCESSED = 512, /* the memory operand is not accessed: any address will do */
    FORM_MASKED = 1024,      /* a mask says which parts of the memory operand are accessed */
};

struct form {
    char name[96]; /* "lock add m32, r32" */
    ZydisMnemonic mnemonic;
    unsigned options;
    unsigned operand_count;
    struct form_operand operands[5];
};

/* All forms that this processor can execute, in the order of the table. malloc'ed. */
struct form *forms_expand(size_t *count_out);

#endif
