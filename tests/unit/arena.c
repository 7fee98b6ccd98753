/* The arena and its snapshots: what a push remembers, a restore brings back, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/shadow.h"
#include "base/rng.h"
#include "machine/arena_internal.h"

static int fresh(void **state)
{
    (void)state;
    struct error e = {0};
    return arena_create(&e) ? 0 : -1;
}

static int gone(void **state)
{
    (void)state;
    arena_destroy();
    return 0;
}

static void memory_is_invalid_until_shadow_says_otherwise(void **state)
{
    (void)state;
    uint8_t byte = 1;
    assert_false(arena_read(RD_POOL_BASE, &byte, 1));
    assert_false(arena_write(RD_POOL_BASE, &byte, 1));
    arena_set_shadow(RD_POOL_BASE, 8, RD_SHADOW_VALID);
    assert_true(arena_write(RD_POOL_BASE, &byte, 1));
    assert_true(arena_read(RD_POOL_BASE, &byte, 1));
}

static void a_partial_granule_ends_where_its_count_says(void **state)
{
    (void)state;
    arena_set_shadow(RD_POOL_BASE, 13, RD_SHADOW_VALID);
    assert_true(arena_valid(RD_POOL_BASE, 13));
    assert_false(arena_valid(RD_POOL_BASE, 14));
    assert_true(arena_valid(RD_POOL_BASE + 12, 1));
    assert_false(arena_valid(RD_POOL_BASE + 13, 1));
    assert_true(arena_valid(RD_POOL_BASE + 5, 8));
}

static void addresses_outside_the_map_are_refused(void **state)
{
    (void)state;
    uint8_t byte = 0;
    static const gva_t wild[] = {0, 0x1000, 0x7FFFFFFFFFFF, 0x800000000000, 0xFFFF800000000000, RD_POOL_BASE + RD_POOL_SIZE,
                                 RD_IMAGE_BASE - 1, ~0ull};
    for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        assert_false(arena_contains(wild[i], 1));
        assert_false(arena_read(wild[i], &byte, 1));
    }
    assert_false(arena_contains(RD_POOL_BASE, RD_POOL_SIZE + 1));
    assert_false(arena_contains(RD_POOL_BASE + 8, ~0ull));
}

static void a_restore_brings_back_memory_and_shadow(void **state)
{
    (void)state;
    arena_set_shadow(RD_POOL_BASE, 64, RD_SHADOW_VALID);
    assert_true(arena_write(RD_POOL_BASE, "before", 7));
    unsigned depth = arena_push();
    assert_true(arena_write(RD_POOL_BASE, "after!", 7));
    arena_set_shadow(RD_POOL_BASE, 64, RD_SHADOW_POOL_FREED);
    arena_restore(depth);
    char text[7];
    assert_true(arena_read(RD_POOL_BASE, text, 7));
    assert_string_equal(text, "before");
}

static void a_restore_reaches_back_over_several_pushes(void **state)
{
    (void)state;
    arena_set_shadow(RD_POOL_BASE, 4096 * 4, RD_SHADOW_VALID);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(arena_write(RD_POOL_BASE + i * 4096, &i, 4));
        assert_int_equal(arena_push(), i);
    }
    arena_restore(1);
    uint32_t word = 99;
    assert_true(arena_read(RD_POOL_BASE + 4096, &word, 4));
    assert_int_equal(word, 1);
    assert_true(arena_read(RD_POOL_BASE + 2 * 4096, &word, 4));
    assert_int_equal(word, 0);
    assert_int_equal(arena_depth(), 2);
}

static void read_only_pages_are_restored_too(void **state)
{
    (void)state;
    arena_set_shadow(RD_IMAGE_BASE, 4096, RD_SHADOW_VALID);
    arena_poke(RD_IMAGE_BASE, "text", 5);
    arena_protect(RD_IMAGE_BASE, 4096, false);
    unsigned depth = arena_push();
    arena_poke(RD_IMAGE_BASE, "data", 5);
    arena_restore(depth);
    assert_string_equal((char *)arena_host(RD_IMAGE_BASE), "text");
    arena_protect(RD_IMAGE_BASE, 4096, true);
}

static void equal_contents_have_equal_hashes_whatever_was_written_before(void **state)
{
    (void)state;
    arena_set_shadow(RD_POOL_BASE, 8192, RD_SHADOW_VALID);
    assert_true(arena_write(RD_POOL_BASE, "x", 1));
    struct hash128 a = arena_hash();
    assert_true(arena_write(RD_POOL_BASE + 4096, "y", 1));
    assert_false(hash_equal(a, arena_hash()));
    assert_true(arena_write(RD_POOL_BASE + 4096, "\0", 1));
    assert_true(hash_equal(a, arena_hash()));
}

/* A model of 16 pages in plain memory goes through the same random writes, pushes, restores and drops. */
static void random_pushes_restores_and_drops_agree_with_full_copies(void **state)
{
    (void)state;
    enum { PAGES = 16, SIZE = PAGES * 4096, DEPTH = 12 };
    static uint8_t model[DEPTH][SIZE], now[SIZE];
    struct rng r = {7};
    memset(now, 0, sizeof now);
    arena_set_shadow(RD_POOL_BASE, SIZE, RD_SHADOW_VALID);
    unsigned depth = 0;
    for (int i = 0; i < 4000; i++) {
        uint64_t at = rng_below(&r, SIZE - 8), value = rng_next(&r);
        memcpy(now + at, &value, 8);
        assert_true(arena_write(RD_POOL_BASE + at, &value, 8));
        switch (rng_below(&r, 8)) {
        case 0:
            if (depth < DEPTH) {
                assert_int_equal(arena_push(), depth);
                memcpy(model[depth++], now, SIZE);
            }
            break;
        case 1:
            if (depth > 0) {
                unsigned to = (unsigned)rng_below(&r, depth);
                arena_restore(to);
                memcpy(now, model[to], SIZE);
                depth = to + 1;
            }
            break;
        case 2:
            if (depth > 0 && rng_below(&r, 4) == 0) {
                depth = (unsigned)rng_below(&r, depth);
                arena_drop(depth);
            }
            break;
        default:
            break;
        }
        assert_memory_equal(arena_host(RD_POOL_BASE), now, SIZE);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(memory_is_invalid_until_shadow_says_otherwise),
        T(a_partial_granule_ends_where_its_count_says),
        T(addresses_outside_the_map_are_refused),
        T(a_restore_brings_back_memory_and_shadow),
        T(a_restore_reaches_back_over_several_pushes),
        T(read_only_pages_are_restored_too),
        T(equal_contents_have_equal_hashes_whatever_was_written_before),
        T(random_pushes_restores_and_drops_agree_with_full_copies),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
