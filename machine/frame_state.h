/*
 * What is known about frames of stacks, in the arena's private range. A frame is identified by the stack slot of
 * its return address and a serial number; it has ended once that address was taken, or the stack pointer rose
 * above the slot in another way.
 */
#ifndef MACHINE_FRAME_STATE_H
#define MACHINE_FRAME_STATE_H

#include "machine/internal.h"

#define FRAME_LIMIT 448u
#define HOLD_LIMIT 480u
#define ARMED_LIMIT 64u
#define HOME_SPACE 0x20u /* the four words above a return address belong to the function called */

struct frame {
    gva_t slot; /* of the return address; 0: unused */
    gva_t low;  /* lowest byte of the frame when it was first looked at */
    gva_t return_address;
    gva_t function;
    gva_t reach; /* lowest pointer that a routine was given; 0: none was */
    uint64_t ended_step;
    uint32_t ended;
    uint32_t holds; /* and armed pointers that refer to it */
    uint64_t serial;
};

struct hold {
    gva_t key; /* 0: unused */
    gva_t pointer;
    uint64_t step;
    uint32_t kind;
    uint32_t frame;
    uint32_t thread;
    uint32_t stack_count;
    gva_t stack[MACHINE_HOLD_STACK];
};

/* A routine that was given a held pointer and has not returned. */
struct armed {
    struct hold hold; /* key 0: unused */
    uint64_t stack;   /* index of the stack it runs on */
    gva_t above;      /* on that stack: what the routine itself may use ends here */
};

struct frames {
    uint64_t serial;
    uint32_t frame_count, hold_count, armed_count; /* one past the highest used */
    uint32_t reserved;
    struct frame frames[FRAME_LIMIT];
    struct hold holds[HOLD_LIMIT];
    struct armed armed[ARMED_LIMIT];
};
_Static_assert(sizeof(struct frames) <= 0x20000, "fits its place");

static inline struct frames *frames_state(void)
{
    return arena_host(RUN_FRAMES_BASE);
}

static inline uint64_t frame_stack_of(gva_t a)
{
    return (a - RD_STACK_BASE) / RD_STACK_STRIDE;
}

#endif
