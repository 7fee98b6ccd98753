/*
 * The window: one small piece of address space that exists twice, natively at WINDOW_NATIVE and in
 * the guest at WINDOW_GUEST, with the same layout. Test code runs in both from the same bytes. The
 * low half of the two bases is equal, so that everything but the top of a pointer is comparable as
 * it is; the top of the native one is a number that arithmetic on test values does not make by
 * chance.
 */
#ifndef TESTS_ISA_SUPPORT_WINDOW_H
#define TESTS_ISA_SUPPORT_WINDOW_H

#include "machine/vcpu.h"

#define WINDOW_GUEST RD_DRIVER_BASE
#define WINDOW_NATIVE 0x00001B6D01000000ull
#define WINDOW_SIZE 0x10000u

#define CODE_OFFSET 0x0000u /* where test code starts */
#define CODE_SIZE 0x4000u
#define EXIT_OFFSET 0x4000u /* going here ends a test */
#define EXIT_SIZE 0x1000u
#define MEMORY_OFFSET 0x6000u /* everything that a test may write, compared afterwards: */
#define DATA_OFFSET 0x6000u   /*   two pages of data */
#define DATA_SIZE 0x2000u
#define STACK_OFFSET 0x8000u /*   a page of stack */
#define STACK_SIZE 0x1000u
#define PCR_OFFSET 0x9000u /*   what GS addresses */
#define PCR_SIZE 0x1000u
#define MEMORY_SIZE 0x4000u
#define FLAGS_OFFSET (PCR_OFFSET + 0xF00) /* code ends by leaving its flags here */

#define FLAG_CF 0x001u
#define FLAG_PF 0x004u
#define FLAG_AF 0x010u
#define FLAG_ZF 0x040u
#define FLAG_SF 0x080u
#define FLAG_DF 0x400u
#define FLAG_IF 0x200u
#define FLAG_OF 0x800u
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* What the second page of data allows. */
enum trial_protection { DATA_WRITABLE, DATA_READ_ONLY, DATA_POISONED };

/* A test case: code, registers and memory, with pointers as in the native window. */
struct trial {
    uint8_t code[4096];
    unsigned code_size;
    unsigned place; /* where in the code area it goes */
    unsigned pointer_count;
    unsigned pointers[8]; /* offsets in code of 64-bit window addresses */
    struct vcpu_regs regs;
    uint8_t memory[MEMORY_SIZE];
    uint32_t flags_mask; /* flags that are defined at the end, as stored at FLAGS_OFFSET */
    enum trial_protection protection;
    /* The one memory operand, when the code is one instruction that surely accesses all of it: size
     * 0 otherwise. */
    uint64_t operand;
    uint32_t operand_size;
};

enum outcome_kind {
    OUTCOME_EXIT,
    OUTCOME_DIVIDE,
    OUTCOME_UNDEFINED,
    OUTCOME_ACCESS,
    OUTCOME_TRAP,
    OUTCOME_OTHER
};

struct outcome {
    enum outcome_kind kind;
    struct vcpu_regs regs;
    uint8_t memory[MEMORY_SIZE];
    uint64_t retired; /* translated: instructions executed */
    char text[192];   /* translated: the translator's exit */
};

/* What a native value is in the guest: addresses around the window move, all else stays. */
static inline uint64_t window_to_guest(uint64_t value)
{
    return value - WINDOW_NATIVE + 0x1000000 < 0x2000000 ? value - WINDOW_NATIVE + WINDOW_GUEST
                                                         : value;
}

#endif
