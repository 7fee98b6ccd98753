/*
 * The arena: all guest memory, its shadow bytes, share cells and dirty bytes, and the snapshots of it.
 *
 * Placement (guest address a, D = RD_HOST_DELTA, all arithmetic modulo 2^64, >> arithmetic):
 *     memory  D + a
 *     shadow  D + (a >> 3) + ARENA_SHADOW_DISP   one byte for 8 bytes (abi/shadow.h)
 *     share   D + (a >> 3) + ARENA_SHARE_DISP    one byte for 8 bytes (share cells)
 *     dirty   D + (a >> 12)                      one byte a page, non-zero when written
 * Generated code reaches all four through GS (whose base is D). Because the full 61-bit index is used,
 * a wild pointer never reaches host memory: the shadow address of any address outside our ranges is
 * itself unmapped, and that fault is reported at the guest instruction.
 */
#ifndef MACHINE_ARENA_H
#define MACHINE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "machine/vcpu.h"

#define RD_HOST_DELTA 0x0000280000000000ull
#define ARENA_SHADOW_DISP 0x20000000
#define ARENA_SHARE_DISP 0x60000000

/* Share cells. */
#define SHARE_UNTOUCHED 0x00
#define SHARE_WRITTEN 0x40   /* agent | SHARE_WRITTEN: that agent alone, and it has written */
#define SHARE_READ_MANY 0xFE /* several readers, no writer */
#define SHARE_COUNTED 0xFC   /* counted by whoever (ACCESS_COUNT), nothing else */
#define SHARE_PENDING 0xFD   /* found to be shared during this execution: counts from the next one on */
#define SHARE_SHARED 0xFF

static inline void *arena_host(gva_t a)
{
    return (void *)(a + RD_HOST_DELTA);
}
static inline uint8_t *arena_shadow(gva_t a)
{
    return (uint8_t *)((uint64_t)((int64_t)a >> 3) + RD_HOST_DELTA + ARENA_SHADOW_DISP);
}
static inline uint8_t *arena_share(gva_t a)
{
    return (uint8_t *)((uint64_t)((int64_t)a >> 3) + RD_HOST_DELTA + ARENA_SHARE_DISP);
}
static inline uint8_t *arena_dirty(gva_t a)
{
    return (uint8_t *)((uint64_t)((int64_t)a >> 12) + RD_HOST_DELTA);
}

/* Maps every range of abi/address.h, shadow poisoned (RD_SHADOW_UNMAPPED). Once a process. */
bool arena_create(struct error *e);
void arena_destroy(void);

/* True when [a, a + n) lies inside one range of the map. */
bool arena_contains(gva_t a, uint64_t n);
/* True when shadow allows all n bytes (stack bytes count as valid). */
bool arena_valid(gva_t a, uint64_t n);

/* Host access to guest memory: bounds and validity checked, dirty bytes set by writes. False when any
 * byte is not valid guest memory. */
bool arena_read(gva_t a, void *out, size_t n);
bool arena_write(gva_t a, const void *data, size_t n);
/* A NUL-terminated ASCII string of at most size - 1 bytes. */
bool arena_read_text(gva_t a, char *out, size_t size);

/* Shadow for [a, a + n): `code` for whole granules; with RD_SHADOW_VALID a last partial granule gets its
 * byte count. `a` must be 8-byte aligned. */
void arena_set_shadow(gva_t a, uint64_t n, uint8_t code);
/* Host page protection of image sections; restores know about it. */
void arena_protect(gva_t a, uint64_t n, bool writable);

/* Snapshots form a stack: push marks the present state; restore(depth) goes back to the state that push
 * number `depth` marked and keeps it; drop(depth) forgets depth and deeper, leaving memory alone.
 * Memory and shadow are covered; share cells are not (they outlive executions). */
unsigned arena_push(void);
void arena_restore(unsigned depth);
void arena_drop(unsigned depth);
unsigned arena_depth(void);

/* Hash of all memory that is not zero, by address. */
struct hash128 arena_hash(void);
/* Pages copied so far by push and restore, for benchmarks. */
uint64_t arena_pages_copied(void);

#endif
