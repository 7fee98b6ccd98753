/*
 * The guest side of the tests: the arena, the translator and one processor whose code lies in the
 * window. It plays the part of the machine with the smallest rules that the translator's contract
 * asks for.
 */
#ifndef TESTS_ISA_SUPPORT_WORLD_H
#define TESTS_ISA_SUPPORT_WORLD_H

#include "machine/arena.h"
#include "machine/dbt/dbt.h"
#include "tests/isa/support/window.h"

#define WORLD_PLAIN 0u
#define WORLD_CHECKED (DBT_SHADOW | DBT_DIRTY | DBT_COVERAGE | DBT_BUDGETS)
#define WORLD_ALL (WORLD_CHECKED | DBT_SHARE | DBT_SHARE_STACK | DBT_FRAMES)

#define WORLD_MAX_RANGES 8
#define WORLD_MAX_SHARES 64

struct world_share {
    gva_t address;
    uint32_t size;
    bool write;
    enum code_class class;
};

struct world {
    struct dbt *dbt;
    struct vcpu cpu;
    unsigned features;
    struct code_range ranges[WORLD_MAX_RANGES]; /* what holds code; everything else is CODE_NONE */
    unsigned range_count;
    struct world_share shares[WORLD_MAX_SHARES]; /* the latest calls of the share callback */
    unsigned share_count;                        /* all calls; the array keeps the first ones */
    bool single_step;                            /* world_run_trial uses dbt_run_one throughout */
    bool keep_shares;       /* world_run_trial leaves share cells as they are */
    bool pieces;            /* world_run_trial gives a budget of few instructions at a time */
    bool poison;            /* world_run_trial puts random shadow codes on some data granules */
    unsigned shared_one_in; /* world_run_trial makes one data granule in so many shared; 0: none */
    unsigned stops;         /* DBT_SHARED exits of the latest trial, the first ones in stopped[] */
    struct world_share stopped[WORLD_MAX_SHARES];
};

extern struct world world;

/* Maps the arena and the window, creates the translator. Exits the process when that is impossible.
 */
void world_open(unsigned features);
void world_close(void);
void world_set_features(unsigned features);
/* The window as world_open leaves it: test code is a driver's (image 1), the exit page the
 * kernel's. */
void world_default_ranges(void);
/* Test code becomes `class` of `image`; translations of it are dropped. */
void world_set_class(enum code_class class, uint32_t image);

static inline uint8_t *world_host(uint32_t offset)
{
    return arena_host(WINDOW_GUEST + offset);
}
static inline gva_t world_guest(uint32_t offset)
{
    return WINDOW_GUEST + offset;
}

/* Replaces code and drops translations of it. */
void world_write_code(uint32_t offset, const void *bytes, unsigned size);
/* A processor at window offset `entry` with the stack pointer in the window's stack. */
void world_reset_cpu(uint32_t entry);
/* The registers in `regs` hold window addresses of the native side where they hold any. */
void world_load_regs(const struct vcpu_regs *regs);
/* Writes code at CODE_OFFSET, puts the processor there with distinct values in all other registers.
 */
void world_start(const void *bytes, unsigned size);
struct dbt_exit world_run(void);
/* What world_start puts into register r (but rsp). */
static inline uint64_t world_mark(unsigned r)
{
    return 0x1100000000000000ull + 0x0101010101ull * r;
}
/* Share cells of the whole window become untouched. */
void world_clear_shares(void);

/* Runs the trial translated: same bytes at the same offsets. Must find translated code again when
 * `again`. */
void world_run_trial(const struct trial *t, bool again, struct outcome *out);
const char *world_exit_name(enum dbt_exit_reason reason);

#endif
