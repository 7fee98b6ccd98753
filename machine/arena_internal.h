/* What the arena's own files and the machine share below the public header. */
#ifndef MACHINE_ARENA_INTERNAL_H
#define MACHINE_ARENA_INTERNAL_H

#include "machine/arena.h"

struct arena_range {
    gva_t base;
    uint64_t size;
};
#define ARENA_RANGES 5
extern const struct arena_range arena_ranges[ARENA_RANGES];

/* The machine keeps what a run can change (processors, image states, pool records) in guest memory that
 * the guest cannot reach: its shadow stays unmapped. So a snapshot of the arena is a snapshot of the run. */
#define ARENA_PRIVATE_BASE 0xFFFFF88000800000ull
#define ARENA_PRIVATE_SIZE 0x00800000ull

/* The range that holds [a, a + n) and the index of a's page over all ranges; NULL: outside. */
const struct arena_range *arena_range_of(gva_t a, uint64_t n, uint64_t *first_page_out);

/* Writes whatever the shadow says (the loader, the machine's own state); data NULL writes zeros. */
void arena_poke(gva_t a, const void *data, size_t n);
void arena_mark(gva_t a, uint64_t n);
void arena_mark_shadow(gva_t a, uint64_t n);
void arena_mark_used(gva_t a, uint64_t n);

/* snapshot.c */
void arena_snapshot_create(void);
void arena_snapshot_destroy(void);
bool arena_snapshot_touched(gva_t page);

#endif
