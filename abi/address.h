/*
 * The guest's address map, shared by the machine (which backs it with host memory) and by the guest
 * kernel (which hands out stacks and pool from it).
 *
 * Every range lies where a 64-bit NT kernel keeps such things, so that a driver engineer reads the
 * addresses of a report without thinking. One constant turns a guest address into a host address for
 * all ranges: host = guest + RD_HOST_DELTA (modulo 2^64). The machine loads that constant into the
 * host's GS base and prefixes guest accesses with GS, so guest pointers stay true kernel pointers.
 */
#ifndef RD_ABI_ADDRESS_H
#define RD_ABI_ADDRESS_H

/* KUSER_SHARED_DATA, at NT's documented fixed address. */
#define RD_SHARED_DATA_BASE 0xFFFFF78000000000ull
#define RD_SHARED_DATA_SIZE 0x1000ull

/* Images: the kernel, the HAL and the drivers. */
#define RD_IMAGE_BASE 0xFFFFF80000000000ull
#define RD_IMAGE_SIZE 0x04000000ull
#define RD_HAL_BASE 0xFFFFF80000800000ull
#define RD_NTOS_BASE 0xFFFFF80000A00000ull
#define RD_DRIVER_BASE 0xFFFFF80001000000ull

/* Addresses that stand for imports nobody exports: executing one names the import and stops. Inside
 * the image range so that IAT slots look ordinary; never readable. */
#define RD_MISSING_BASE 0xFFFFF80003F00000ull
#define RD_MISSING_SIZE 0x00010000ull

/* Processor control regions, one page pair a processor, then thread stacks. */
#define RD_SYSTEM_BASE 0xFFFFF88000000000ull
#define RD_SYSTEM_SIZE 0x01000000ull
#define RD_PCR_BASE 0xFFFFF88000010000ull
#define RD_PCR_STRIDE 0x4000ull
/* The loader block (struct rd_loader_block) and the scenario's data that follow it. */
#define RD_LOADER_BLOCK 0xFFFFF880000F0000ull
#define RD_LOADER_SIZE 0x00010000ull
/* Stack N occupies [RD_STACK_BASE + N * STRIDE + GUARD, ... + GUARD + SIZE). */
#define RD_STACK_BASE 0xFFFFF88000100000ull
#define RD_STACK_STRIDE 0x10000ull
#define RD_STACK_GUARD 0x2000ull
#define RD_STACK_SIZE 0x6000ull
#define RD_MAX_STACKS 96u

/* Pool: one slab a thread of execution, so that unrelated allocations get the same addresses
 * whatever the schedule. Never reused within a run. */
#define RD_POOL_BASE 0xFFFFFA8000000000ull
#define RD_POOL_SIZE 0x04000000ull
#define RD_POOL_SLAB 0x00080000ull

/* User half: buffers of the scenario's requests. Above every place where the shadow byte or share cell of a kernel-half
 * address can lie (machine/arena.h), so that no wild pointer finds user memory in place of its shadow. */
#define RD_USER_BASE 0x0000000070000000ull
#define RD_USER_SIZE 0x00100000ull

#define RD_MAX_CPUS 32u
#define RD_PAGE 4096ull

#endif
