/*
 * A virtual processor: the guest-visible registers and the little state beside them that decides what
 * it may do next. Plain data, no pointers: a snapshot copies it.
 */
#ifndef MACHINE_VCPU_H
#define MACHINE_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/address.h"

typedef uint64_t gva_t; /* a guest virtual address; never dereferenced as a host pointer */

enum { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
       REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

struct vcpu_regs {
    uint64_t gpr[16]; /* in encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
    gva_t rip;
    uint64_t rflags;  /* arithmetic flags, DF and the virtual IF (bit 9); bit 1 always set */
    uint8_t ymm[16][32];
    uint32_t mxcsr;
    uint32_t reserved;
};

enum vcpu_state {
    VCPU_OFF,     /* not started */
    VCPU_RUNNING, /* may take a step */
    VCPU_HALTED,  /* HLT: until an interrupt is pending */
    VCPU_AWAIT    /* until somebody else writes to [await_address, +await_size) */
};

struct vcpu {
    struct vcpu_regs regs;
    uint32_t number;
    uint8_t irql;      /* CR8 */
    uint8_t state;     /* enum vcpu_state */
    uint8_t pending;   /* software interrupts that have arrived: bit 1 APC, bit 2 DISPATCH */
    uint8_t in_flight; /* sent by another processor, not yet arrived: same bits */
    uint32_t await_size;
    uint32_t await_spin;    /* 1: a spin lock, for the hang report */
    gva_t await_address;
    gva_t pcr;              /* what GS addresses in the guest */
    uint64_t retired;       /* instructions executed since the start of the run */
    uint64_t tsc;           /* last value RDTSC returned */
    uint64_t steps;
};

#endif
