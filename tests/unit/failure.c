/* Failure files: what is written is read back, and nothing damaged, foreign or oversized is taken
 * for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "abi/address.h"
#include "abi/guest.h"
#include "abi/hypercall.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "report/failure.h"

static char folder[] = "/tmp/rundown-failure-XXXXXX";
static char *path;

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    path = str_format("%s/case.rdn", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    rmdir(folder);
    free(path);
    return 0;
}

static struct failure sample(void)
{
    struct failure f = {
        .rule = str_dup("execute-unloaded-image"),
        .sentence = str_dup("a sentence with \"quotes\" and \xC3\xA4"),
        .bugcheck = str_dup("NAME"),
        .notes = str_dup("Outstanding KeEnterCriticalRegion fffff80001000010\nanother"),
        .guest = {0x1122334455667788ull, 0xFFFFFFFFFFFFFFFFull},
        .scenario_path = str_dup("samples/x.lua"),
        .driver_base = 0xFFFFF80001230000ull,
        .trace = {1, 2},
        .memory = {3, 4},
        .seed = 0xFFFFFFFFFFFFFFFFull,
        .strategy = str_dup("dpor"),
    };
    f.image_count = 2;
    f.images = calloc(2, sizeof *f.images);
    f.images[0] = (struct failure_image){str_dup("lower.sys"), str_dup("build/lower.sys"), {5, 6}};
    f.images[1] = (struct failure_image){str_dup("upper.sys"), str_dup("/abs/upper.sys"), {7, 8}};
    f.loader_size = sizeof(struct rd_loader_block) + 5;
    f.loader = calloc(1, f.loader_size);
    struct rd_loader_block block = {.magic = RD_LOADER_MAGIC,
                                    .version = RD_ABI_VERSION,
                                    .os = RD_OS_WIN7,
                                    .threads = RD_LOADER_BLOCK + sizeof block,
                                    .setup = RD_LOADER_BLOCK + sizeof block};
    memcpy(f.loader, &block, sizeof block);
    f.loader[f.loader_size - 1] = 0xA5;
    static const uint64_t shared[] = {
        0, 1, 5, 0x1FFFFF0000200000ull, 0x1FFFFF0000200001ull, 0x1FFFFFFFFFFFFFFFull};
    f.shared_count = 6;
    f.shared = malloc(sizeof shared);
    memcpy(f.shared, shared, sizeof shared);
    static const struct failure_decision decisions[] = {{0, 1, 0},     {0, 1, 0},  {1, 1, 65535},
                                                        {1, 1, 65535}, {0, 63, 0}, {0, 2, 0},
                                                        {0, 2, 0},     {0, 2, 0}};
    f.decision_count = 8;
    f.decisions = malloc(sizeof decisions);
    memcpy(f.decisions, decisions, sizeof decisions);
    return f;
}

static char *write_sample(size_t *size)
{
    struct failure f = sample();
    struct error e = {0};
    struct file_data file;
    assert_true(failure_write(path, &f, &e));
    failure_free(&f);
    assert_true(file_read(path, 1 << 20, &file, &e));
    *size = file.size;
    return (char *)file.data;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct failure f = sample(), g;
    struct error e = {0};
    assert_true(failure_write(path, &f, &e));
    if (!failure_read(path, &g, &e))
        fail_msg("%s", e.text);
    assert_string_equal(g.rule, f.rule);
    assert_string_equal(g.sentence, f.sentence);
    assert_string_equal(g.bugcheck, f.bugcheck);
    assert_string_equal(g.notes, f.notes);
    assert_string_equal(g.scenario_path, f.scenario_path);
    assert_string_equal(g.strategy, f.strategy);
    assert_true(hash_equal(g.guest, f.guest) && hash_equal(g.trace, f.trace) &&
                hash_equal(g.memory, f.memory));
    assert_true(g.seed == f.seed && g.driver_base == f.driver_base);
    assert_int_equal(g.image_count, 2);
    assert_string_equal(g.images[1].path, "/abs/upper.sys");
    assert_true(hash_equal(g.images[1].content, f.images[1].content));
    assert_int_equal(g.loader_size, f.loader_size);
    assert_memory_equal(g.loader, f.loader, f.loader_size);
    assert_int_equal(g.shared_count, f.shared_count);
    assert_memory_equal(g.shared, f.shared, f.shared_count * sizeof *f.shared);
    assert_int_equal(g.decision_count, f.decision_count);
    assert_memory_equal(g.decisions, f.decisions, f.decision_count * sizeof *f.decisions);
    failure_free(&f);
    failure_free(&g);
}

static void empty_lists_are_kept(void **state)
{
    (void)state;
    struct failure f = sample(), g;
    struct error e = {0};
    f.shared_count = f.decision_count = 0;
    assert_true(failure_write(path, &f, &e));
    assert_true(failure_read(path, &g, &e));
    assert_int_equal(g.shared_count, 0);
    assert_int_equal(g.decision_count, 0);
    failure_free(&f);
    failure_free(&g);
}

/* Refused with one line that begins with the path; nothing is left allocated (the asan build sees
 * to that). */
static void expect_refused(const char *text, size_t size)
{
    struct failure f;
    struct error e = {0};
    assert_true(file_write(path, text, size, &e));
    if (failure_read(path, &f, &e)) {
        failure_free(&f);
        fail_msg("accepted: %.*s", (int)size, text);
    }
    assert_int_equal(e.kind, ERROR_INPUT);
    assert_int_equal(strncmp(e.text, path, strlen(path)), 0);
    assert_null(strchr(e.text, '\n'));
}

static void every_changed_byte_is_noticed(void **state)
{
    (void)state;
    size_t size;
    char *text = write_sample(&size);
    for (size_t i = 0; i < size; i++) {
        char old = text[i];
        /* A blank between members means nothing: changing it into another blank would be no damage.
         */
        text[i] = old == 'x' ? 'y' : 'x';
        expect_refused(text, size);
        text[i] = old;
    }
    free(text);
}

static void every_truncation_is_noticed(void **state)
{
    (void)state;
    size_t size;
    char *text = write_sample(&size);
    for (size_t n = 0; n + 2 < size; n++) /* the last byte is a newline */
        expect_refused(text, n);
    free(text);
}

static void documents_of_another_kind_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "null",
        "7",
        "\"x\"",
        "{\"rundown\": \"1\"}",
        "{\"rundown\": 2}",
        "{\"rundown\": 1}",
        "{\"rundown\": 1, \"rundown\": 1}",
        "{\"rundown\": 1, \"check\": 5}",
        "{\"rundown\": 1, \"check\": \"00000000000000000000000000000000\"}",
        "MZ",
        "{\"rundown\": 1e999}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(cases[i], strlen(cases[i]));
}

/* The check hash is right: only the loader block is not. */
static void a_loader_that_points_outside_of_itself_is_refused(void **state)
{
    (void)state;
    enum { SYSTEM, CPUS, SETUP, THREADS, STEPS, NAME, INPUT, CASES };
    struct blob {
        struct rd_loader_block block;
        struct rd_scenario_thread thread;
        struct rd_step step;
        uint16_t text[4];
    } good = {
        .block = {.magic = RD_LOADER_MAGIC,
                  .version = RD_ABI_VERSION,
                  .os = RD_OS_WIN8,
                  .thread_count = 1},
        .thread = {.name = "one", .step_count = 1},
        .step = {.op = RD_OP_LOAD, .input_size = 4},
        .text = {'a', 'b', 'c', 0},
    };
    good.block.setup = good.block.threads = RD_LOADER_BLOCK + sizeof good.block;
    good.thread.steps = good.block.threads + sizeof good.thread;
    good.step.text = good.step.input = good.thread.steps + sizeof good.step;
    for (int i = -1; i < CASES; i++) {
        struct failure f = sample(), g;
        struct error e = {0};
        f.loader = realloc(f.loader, sizeof good);
        f.loader_size = sizeof good;
        struct blob bad = good;
        bad.block.os = i == SYSTEM ? 77 : bad.block.os;
        bad.block.cpus = i == CPUS ? 33 : 0;
        bad.block.setup_count = i == SETUP ? 1000 : 0;
        bad.block.threads += i == THREADS ? 1ull << 40 : 0;
        bad.thread.step_count = i == STEPS ? 0xFFFFFFFF : 1;
        bad.text[3] = i == NAME ? 'd' : 0;
        bad.step.input_size = i == INPUT ? 9 : 4;
        memcpy(f.loader, &bad, sizeof bad);
        assert_true(failure_write(path, &f, &e));
        bool ok = failure_read(path, &g, &e);
        if (ok != (i == -1))
            fail_msg("case %d: %s", i, ok ? "accepted" : e.text);
        if (ok)
            failure_free(&g);
        failure_free(&f);
    }
}

static void another_version_is_named(void **state)
{
    (void)state;
    struct failure f;
    struct error e = {0};
    assert_true(file_write(path, "{\"rundown\": 99}", 15, &e));
    assert_false(failure_read(path, &f, &e));
    assert_non_null(strstr(e.text, "version 99"));
}

static void an_unwritable_place_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    struct failure f = sample();
    struct error e = {0};
    assert_false(failure_write("/nonexistent/x.rdn", &f, &e));
    assert_int_equal(e.kind, ERROR_INPUT);
    failure_free(&f);
}

static void random_lists_survive(void **state)
{
    (void)state;
    struct rng rng = {1};
    for (int round = 0; round < 50; round++) {
        struct failure f = sample(), g;
        struct error e = {0};
        size_t n = rng_below(&rng, 2000);
        f.shared = realloc(f.shared, (n + 1) * sizeof *f.shared);
        f.decisions = realloc(f.decisions, (n + 1) * sizeof *f.decisions);
        uint64_t granule = 0;
        for (size_t i = 0; i < n; i++) {
            granule += 1 + (rng_below(&rng, 3) ? 0 : rng_below(&rng, 1000));
            f.shared[i] = granule;
            bool choice = rng_below(&rng, 5) == 0;
            f.decisions[i] =
                (struct failure_decision){choice, (uint8_t)rng_below(&rng, 64),
                                          choice ? (uint16_t)rng_below(&rng, 65536) : 0};
        }
        f.shared_count = f.decision_count = n;
        assert_true(failure_write(path, &f, &e));
        if (!failure_read(path, &g, &e))
            fail_msg("round %d: %s", round, e.text);
        assert_int_equal(g.shared_count, n);
        assert_int_equal(g.decision_count, n);
        assert_memory_equal(g.shared, f.shared, n * sizeof *f.shared);
        assert_memory_equal(g.decisions, f.decisions, n * sizeof *f.decisions);
        failure_free(&f);
        failure_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(empty_lists_are_kept),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(every_truncation_is_noticed),
        cmocka_unit_test(documents_of_another_kind_are_refused),
        cmocka_unit_test(a_loader_that_points_outside_of_itself_is_refused),
        cmocka_unit_test(another_version_is_named),
        cmocka_unit_test(an_unwritable_place_is_an_error_and_leaves_nothing),
        cmocka_unit_test(random_lists_survive),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
