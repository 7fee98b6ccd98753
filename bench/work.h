/*
 * The benchmark's work, compiled twice with the same flags: natively (with Windows' calling
 * convention) and as a PE image that runs under the translator. Only this header and work.c are
 * shared; no libc, since the image has none. Everything lives in memory that the caller gives, so
 * both worlds start from the same state and must reach the same sums.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stdint.h>

#ifdef _WIN32
#define WORK_ABI
#define WORK_EXPORT __declspec(dllexport)
#else
#define WORK_ABI __attribute__((ms_abi))
#define WORK_EXPORT
#endif

enum work_kernel { WORK_LIST, WORK_HASH, WORK_LOCK, WORK_COPY, WORK_DISPATCH, WORK_KERNELS };
#define WORK_ALL ((1u << WORK_KERNELS) - 1)

#define WORK_MAX_BLOCKS 6000
#define WORK_POOL_BYTES 0x200000u

struct work_block {
    uint32_t offset, bytes;
};

struct work_node { /* a list entry of one cache line */
    struct work_node *next, *previous;
    uint64_t key;
    uint32_t flags, references;
    uint64_t value, reserved[3];
};

struct work_entry { /* a hash table entry */
    struct work_entry *next;
    uint8_t key[16];
    uint64_t hits;
};

struct work_request { /* what an IRP is to a dispatch routine */
    uint32_t major, code, length, status;
    uint64_t information;
    uint64_t buffer[4];
};

struct work;
typedef uint64_t(WORK_ABI *work_dispatch)(struct work *, struct work_request *);

struct work {
    uint64_t pool, used; /* address of the pool, bytes handed out */
    struct work_node *head;
    struct work_entry *buckets[256];
    volatile uint64_t lock, counter, list;
    uint8_t *source, *target;
    uint64_t copy_bytes;
    work_dispatch major[28];
    struct work_request requests[16];
    uint64_t statistics[16];
    uint64_t block_count; /* allocations so far, for the shadow that the harness lays */
    struct work_block blocks[WORK_MAX_BLOCKS];
};

/* Builds all structures in w->pool. */
WORK_EXPORT WORK_ABI uint64_t work_init(struct work *w);
/* Runs the kernels in `mask` (1 << enum work_kernel) `rounds` times; the result is a sum over all
 * of them. */
WORK_EXPORT WORK_ABI uint64_t work_run(struct work *w, uint64_t mask, uint64_t rounds);

#endif
