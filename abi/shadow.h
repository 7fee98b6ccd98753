/*
 * Shadow codes: one byte for each eight bytes of guest memory, read by every checked access.
 * The vocabulary is KASAN's where NT documents one (bugcheck 0x1F2), ours from 0xE0.
 */
#ifndef RD_ABI_SHADOW_H
#define RD_ABI_SHADOW_H

enum rd_shadow {
    RD_SHADOW_VALID = 0x00,        /* 1..7: that many leading bytes are valid */
    RD_SHADOW_POOL_RIGHT = 0x86,   /* zone behind a pool block */
    RD_SHADOW_POOL_FREED = 0x87,
    RD_SHADOW_POOL_LEFT = 0x8D,    /* zone before a pool block */
    RD_SHADOW_STACK_GUARD = 0xF1,
    RD_SHADOW_STACK = 0xF5,        /* stack: valid at or above its thread's rsp, dead below */
    RD_SHADOW_UNMAPPED = 0xE0,     /* no memory there */
    RD_SHADOW_UNLOADED = 0xE1,     /* an image that has been unloaded */
    RD_SHADOW_IMAGE_HOLE = 0xE2,   /* between an image's sections */
    RD_SHADOW_MISSING = 0xE3,      /* stands for an import that nobody exports */
    RD_SHADOW_POOL_FRESH = 0xE4,   /* pool never handed out */
    RD_SHADOW_WATCHED = 0xE5,      /* valid; each write is logged first (a thread's APC disable counts) */
    /* Pageable memory of a verified driver under force IRQL checking: valid below DISPATCH_LEVEL only. */
    RD_SHADOW_PAGED_POOL = 0xE6,
    RD_SHADOW_PAGED_IMAGE = 0xE7,
    RD_SHADOW_PAGED_TAIL = 0xE8,   /* last granule of a paged block: the byte behind it holds how many are valid */
    RD_SHADOW_FRAME = 0xE9,        /* stack that is looked at closely: the return address of a frame that the kernel holds
                                      a pointer into, or a frame that has ended while a routine has a pointer to it */
};

#endif
