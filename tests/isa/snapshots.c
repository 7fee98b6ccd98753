/*
 * Dirty bytes and snapshots under translated code: what the arena restores is what the code
 * changed. Random sequences run on memory that nobody resets in between; a restored run must repeat
 * itself to the byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "tests/isa/support/code.h"
#include "tests/isa/support/native.h"
#include "tests/isa/support/snippet.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define GPR(r) world.cpu.regs.gpr[REG_##r]
#define SEQUENCES 12
#define SEQUENCE_SPACE 0x400

static struct vcpu_regs entries[SEQUENCES];

/* Sequences side by side in the code area, with the registers that each wants. */
static void write_sequences(struct rng *rng, const struct form *forms, size_t count)
{
    static struct trial t;
    for (unsigned i = 0; i < SEQUENCES; i++) {
        t.place = i * SEQUENCE_SPACE;
        snippet_sequence(rng, forms, count, &t);
        RD_ASSERT(t.code_size < SEQUENCE_SPACE);
        world_write_code(CODE_OFFSET + t.place, t.code, t.code_size);
        entries[i] = t.regs;
    }
    memcpy(world_host(MEMORY_OFFSET), t.memory, MEMORY_SIZE);
    /* The host wrote all that: snapshots know only of what is marked. */
    for (unsigned page = 0; page < WINDOW_SIZE / RD_PAGE; page++)
        *arena_dirty(WINDOW_GUEST + page * RD_PAGE) = 1;
}

/* Runs sequences [from, to) and chains what each leaves in registers and memory. */
static struct hash128 run_sequences(unsigned from, unsigned to)
{
    struct hash128 h = {0};
    for (unsigned i = from; i < to; i++) {
        world_reset_cpu(CODE_OFFSET + i * SEQUENCE_SPACE);
        world_load_regs(&entries[i]);
        struct dbt_exit x = world_run();
        int reason = x.reason;
        h = hash_chain(h, &reason, sizeof reason);
        h = hash_chain(h, world.cpu.regs.gpr, sizeof world.cpu.regs.gpr);
        h = hash_chain(h, world.cpu.regs.ymm, sizeof world.cpu.regs.ymm);
        h = hash_chain(h, world_host(MEMORY_OFFSET), MEMORY_SIZE);
    }
    return h;
}

static struct hash128 window_hash(void)
{
    return hash_bytes(world_host(MEMORY_OFFSET), MEMORY_SIZE);
}

static void test_repeat(const struct form *forms, size_t count)
{
    tap_begin();
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rng rng = {seed * 0x9E3779B97F4A7C15ull};
        write_sequences(&rng, forms, count);
        unsigned base = arena_push();
        run_sequences(0, SEQUENCES / 2);
        unsigned depth = arena_push();
        struct hash128 middle = window_hash(), all = arena_hash();
        struct hash128 first = run_sequences(SEQUENCES / 2, SEQUENCES);
        bool ok = true;
        for (unsigned again = 0; again < 2 && ok; again++) {
            arena_restore(depth);
            ok &= CHECK(hash_equal(middle, window_hash()));
            ok &= CHECK(hash_equal(all, arena_hash()));
            ok &= CHECK(hash_equal(first, run_sequences(SEQUENCES / 2, SEQUENCES)));
        }
        arena_drop(base);
        if (!ok) {
            tap_note("  seed %llu", (unsigned long long)seed);
            break;
        }
    }
    tap_end("a restored run repeats itself");
}

static void test_depths(const struct form *forms, size_t count)
{
    tap_begin();
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct rng rng = {seed * 0xD1B54A32D192ED03ull};
        write_sequences(&rng, forms, count);
        unsigned depth[SEQUENCES];
        struct hash128 state[SEQUENCES];
        for (unsigned i = 0; i < SEQUENCES; i++) {
            depth[i] = arena_push();
            state[i] = window_hash();
            run_sequences(i, i + 1);
        }
        bool ok = true;
        unsigned at = SEQUENCES;
        while (at > 1 && ok) {
            at = (unsigned)rng_below(&rng, at);
            arena_restore(depth[at]);
            ok &= CHECK(hash_equal(state[at], window_hash()));
            run_sequences(at, at + 1);
            if (at + 1 < SEQUENCES)
                ok &= CHECK(hash_equal(state[at + 1], window_hash()));
            arena_restore(depth[at]);
            ok &= CHECK(hash_equal(state[at], window_hash()));
        }
        arena_drop(depth[0]);
        if (!ok) {
            tap_note("  seed %llu, depth %u", (unsigned long long)seed, at);
            break;
        }
    }
    tap_end("a restore at any depth finds the state of its push");
}

CODE(loads, "mov rax, [rcx]\n movups xmm0, [rcx+0x1000-4]\n cmp [rcx], al\n bt [rcx], edx\n"
            "nop dword ptr [rcx]\n lodsq\n hlt");
CODE(crossing, "mov [rcx-1], eax\n hlt");
CODE(fill, "rep stosb\n hlt");
CODE(call_in, "call 1f\n hlt\n 1: ret");

static void clear_dirty(void)
{
    for (unsigned page = 0; page < WINDOW_SIZE / RD_PAGE; page++)
        *arena_dirty(WINDOW_GUEST + page * RD_PAGE) = 0;
}

static unsigned dirty_pages(void)
{
    unsigned set = 0;
    for (unsigned page = 0; page < WINDOW_SIZE / RD_PAGE; page++)
        set |= (unsigned)(*arena_dirty(WINDOW_GUEST + page * RD_PAGE) != 0) << page;
    return set;
}

static void test_dirty(void)
{
    const unsigned data = DATA_OFFSET / RD_PAGE, stack = STACK_OFFSET / RD_PAGE;
    tap_begin();
    world_start(CODE_BYTES(loads));
    GPR(RCX) = GPR(RSI) = world_guest(DATA_OFFSET);
    GPR(RDX) = 5;
    clear_dirty();
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(dirty_pages(), 0);
    tap_end("loads, comparisons and bit tests leave pages clean");

    tap_begin();
    world_start(CODE_BYTES(crossing));
    GPR(RCX) = world_guest(DATA_OFFSET) + RD_PAGE;
    clear_dirty();
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(dirty_pages(), 3u << data);
    tap_end("a store over a page boundary marks both pages");

    tap_begin();
    world_start(CODE_BYTES(fill));
    GPR(RDI) = world_guest(DATA_OFFSET) + RD_PAGE - 5;
    GPR(RCX) = 300;
    clear_dirty();
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(dirty_pages(), 3u << data);
    tap_end("a string store over a page boundary marks both pages");

    tap_begin();
    gva_t pool = RD_POOL_BASE + 0x10000;
    arena_set_shadow(pool, 0x4000, 0);
    world_start(CODE_BYTES(fill));
    GPR(RDI) = pool + 0x800;
    GPR(RCX) = 0x2800;
    memset(arena_dirty(pool), 0, 4);
    EQUAL(world_run().reason, DBT_HALT);
    for (unsigned i = 0; i < 3; i++)
        CHECK(*arena_dirty(pool + i * RD_PAGE) != 0);
    EQUAL(*arena_dirty(pool + 3 * RD_PAGE), 0);
    tap_end("a long string store marks every page of its range");

    tap_begin();
    world_start(CODE_BYTES(call_in));
    clear_dirty();
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(dirty_pages(), 1u << stack);
    tap_end("a call marks the stack's page");
}

CODE(jump, "mov ebx, 0\n .byte 0xE9\n .long 0x800-10\n");
CODE(old_target, "add ebx, 1\n hlt");
CODE(new_target, "add ebx, 2\n hlt");

static uint64_t run_jump(void)
{
    world_reset_cpu(CODE_OFFSET);
    EQUAL(world_run().reason, DBT_HALT);
    return GPR(RBX);
}

/* An image loaded where another was unloaded, and back again by a restore. */
static void test_code(void)
{
    tap_begin();
    world_write_code(CODE_OFFSET, CODE_BYTES(jump));
    world_write_code(CODE_OFFSET + 0x800, CODE_BYTES(old_target));
    *arena_dirty(WINDOW_GUEST) = 1;
    EQUAL(run_jump(), 1);
    unsigned depth = arena_push();
    for (unsigned n = 0; n < 3; n++) {
        world_write_code(CODE_OFFSET + 0x800, CODE_BYTES(new_target));
        *arena_dirty(WINDOW_GUEST) = 1;
        EQUAL(run_jump(), 2);
        arena_restore(depth);
        dbt_invalidate(world.dbt, WINDOW_GUEST + 0x800, WINDOW_GUEST + 0x900);
        EQUAL(run_jump(), 1);
    }
    arena_drop(depth);
    tap_end("code that a restore brings back runs again");
}

int main(void)
{
    world_open(WORLD_CHECKED);
    size_t count;
    struct form *forms = forms_expand(&count);
    test_dirty();
    test_code();
    test_repeat(forms, count);
    test_depths(forms, count);
    world_set_features(WORLD_ALL);
    test_repeat(forms, count);
    free(forms);
    world_close();
    return tap_finish();
}
