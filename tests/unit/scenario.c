/* Scenario files: what they build, and that each mistake is one line with file, line and remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "abi/address.h"
#include "abi/hypercall.h"
#include "base/file.h"
#include "base/str.h"
#include "scenario/scenario.h"

static char folder[] = "/tmp/rundown-scenario-XXXXXX";
static char *scenario_path;

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    scenario_path = str_format("%s/case.lua", folder);
    static const char *const drivers[] = {"lower.sys", "upper.sys"};
    for (size_t i = 0; i < 2; i++) {
        char *path = str_format("%s/%s", folder, drivers[i]);
        struct error e = {0};
        assert_true(file_write(path, "MZ", 2, &e));
        free(path);
    }
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"lower.sys", "upper.sys", "case.lua"};
    for (size_t i = 0; i < 3; i++) {
        char *path = str_format("%s/%s", folder, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(folder);
    free(scenario_path);
    return 0;
}

static bool read_bytes(const char *text, size_t size, struct scenario *s, struct error *e)
{
    struct error writing = {0};
    assert_true(file_write(scenario_path, text, size, &writing));
    *e = (struct error){0};
    return scenario_read(scenario_path, s, e);
}

static struct scenario read_good(const char *text)
{
    struct scenario s;
    struct error e;
    if (!read_bytes(text, strlen(text), &s, &e))
        fail_msg("%s", e.text);
    return s;
}

/* The error must be "FILE:LINE: ..." with `part` in it, on one line. */
static bool is_error(const char *text, int line, const char *part)
{
    struct scenario s;
    struct error e;
    if (read_bytes(text, strlen(text), &s, &e)) {
        scenario_free(&s);
        print_error("accepted: %s\n", text);
        return false;
    }
    char *prefix = str_format("%s:%d: ", scenario_path, line);
    bool good = e.kind == ERROR_INPUT && strncmp(e.text, prefix, strlen(prefix)) == 0 &&
                strstr(e.text, part) != NULL && strchr(e.text, '\n') == NULL;
    if (!good)
        print_error("expected \"%s...%s...\", got \"%s\"\n", prefix, part, e.text);
    free(prefix);
    return good;
}

#define DRIVERS "driver 'lower.sys'\ndriver 'upper.sys'\n"
/* The body stands in line 4. */
#define IN_THREAD(body) DRIVERS "thread('one', function(t)\n" body "\nend)\n"

static void statements_fill_the_scenario(void **state)
{
    (void)state;
    struct scenario s = read_good("os_version 'win8'\ncpus(3)\ndriver 'lower.sys'\n"
                                  "driver('upper.sys', {load = false})\nfail_allocations(5)\n");
    assert_int_equal(s.os, RD_OS_WIN8);
    assert_int_equal(s.cpus, 3);
    assert_int_equal(s.fault_budget, 5);
    assert_int_equal(s.driver_count, 2);
    assert_true(s.drivers[0].load);
    assert_false(s.drivers[1].load);
    scenario_free(&s);
}

static void loads_precede_devices_in_the_order_of_drivers(void **state)
{
    (void)state;
    struct scenario s = read_good(
        "driver 'lower.sys'\ndriver 'upper.sys'\ndevice('dev', {'lower', 'upper.sys'})\n");
    assert_int_equal(s.setup_count, 3);
    assert_int_equal(s.setup[0].op, RD_OP_LOAD);
    assert_string_equal(s.setup[0].text, "lower");
    assert_string_equal(s.setup[1].text, "upper");
    assert_int_equal(s.setup[2].op, RD_OP_ADD_DEVICE);
    assert_string_equal(s.setup[2].text, "dev");
    assert_string_equal(s.setup[2].text2, "lower;upper");
    scenario_free(&s);
}

static void without_a_device_statement_the_loaded_drivers_form_one_stack(void **state)
{
    (void)state;
    struct scenario s = read_good("driver 'lower.sys'\ndriver 'upper.sys'\n");
    assert_int_equal(s.setup_count, 3);
    assert_int_equal(s.setup[2].op, RD_OP_ADD_DEVICE);
    assert_string_equal(s.setup[2].text, "upper");
    assert_string_equal(s.setup[2].text2, "lower;upper");
    scenario_free(&s);
}

static void drivers_that_are_not_loaded_get_no_setup_step(void **state)
{
    (void)state;
    struct scenario s = read_good("driver('upper.sys', {load = false})\n");
    assert_int_equal(s.setup_count, 0);
    scenario_free(&s);
}

static void verbs_become_steps(void **state)
{
    (void)state;
    struct scenario s =
        read_good(IN_THREAD("local h = t:open [[\\\\.\\Upper]]\n"
                            "t:ioctl(h, 0x222000, {input = 'a\\0c', output = 4})\n"
                            "t:close(h)\nt:delay(0.5, {alertable = true})\nt:unload 'Upper'"));
    const struct scenario_thread *t = &s.threads[0];
    assert_string_equal(t->name, "one");
    assert_int_equal(t->count, 5);
    assert_int_equal(t->steps[0].op, RD_OP_OPEN);
    assert_string_equal(t->steps[0].text, "\\??\\Upper");
    assert_int_equal(t->steps[0].line, 4);
    assert_int_equal(t->steps[1].code, 0x222000);
    assert_int_equal(t->steps[1].input_size, 3);
    assert_memory_equal(t->steps[1].input, "a\0c", 3);
    assert_int_equal(t->steps[1].output_size, 4);
    assert_int_equal(t->steps[1].slot, t->steps[0].slot);
    assert_int_equal(t->steps[3].value, -5000000);
    assert_int_equal(t->steps[3].flags, RD_STEP_ALERTABLE);
    assert_string_equal(t->steps[4].text, "upper");
    scenario_free(&s);
}

static void slots_are_numbered_by_thread(void **state)
{
    (void)state;
    struct scenario s = read_good(DRIVERS "for i = 1, 2 do thread('t' .. i, function(t)\n"
                                          "t:close(t:open 'A') t:close(t:open 'B') end) end\n");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(s.threads[i].steps[0].slot, 0);
        assert_int_equal(s.threads[i].steps[2].slot, 1);
    }
    scenario_free(&s);
}

static void steps_on_a_kernel_handle_are_kernel_steps(void **state)
{
    (void)state;
    struct scenario s =
        read_good(IN_THREAD("local h = t:open('A', {kernel = true}) t:ioctl(h, 1) t:close(h)"));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(s.threads[0].steps[i].flags, RD_STEP_KERNEL);
    scenario_free(&s);
}

static void expectations_attach_to_the_step_before(void **state)
{
    (void)state;
    struct scenario s = read_good(IN_THREAD("t:unload 'upper' t:expect 'STATUS_DELETE_PENDING'\n"
                                            "t:unload('lower', {expect = 0xC0000001})"));
    assert_int_equal(s.threads[0].count, 2);
    assert_int_equal(s.threads[0].steps[0].flags, RD_STEP_EXPECT);
    assert_int_equal((uint32_t)s.threads[0].steps[0].expect, 0xC0000056u);
    assert_int_equal((uint32_t)s.threads[0].steps[1].expect, 0xC0000001u);
    scenario_free(&s);
}

static void threads_may_be_named_before_they_are_declared(void **state)
{
    (void)state;
    struct scenario s = read_good(
        DRIVERS "thread('a', function(t) t:suspend 'b' end)\nthread('b', function(t) end)\n");
    assert_int_equal(s.threads[0].steps[0].value, 1);
    assert_null(s.threads[0].steps[0].text);
    scenario_free(&s);
}

static void an_asynchronous_step_gives_a_request_for_wait_and_cancel(void **state)
{
    (void)state;
    struct scenario s =
        read_good(IN_THREAD("local h = t:open 'A' local r = t:read(h, {output = 8, async = true})\n"
                            "t:cancel(r) t:wait(r) t:read(h, {async = true})"));
    assert_int_equal(s.threads[0].steps[1].flags, RD_STEP_ASYNC);
    assert_int_equal(s.threads[0].steps[2].op, RD_OP_CANCEL);
    assert_int_equal(s.threads[0].steps[3].op, RD_OP_WAIT);
    assert_int_equal(s.threads[0].steps[3].slot, 0);
    scenario_free(&s);
}

static void mistakes_name_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *part;
    } cases[] = {
        {"", 1, "no driver"},
        {"driver 'missing.sys'", 1, "neither beside the scenario"},
        {"driver 'upper.sys'\n\ndriver 'upper.sys'", 3, "given twice"},
        {"driver 'sub/upper.sys'", 1, "without folders"},
        {"driver 'upper'", 1, "neither beside"},
        {"driver(7)", 1, "expected a string, got number"},
        {"driver('upper.sys', {lode = false})", 1, "unknown option"},
        {"driver('upper.sys', {load = 1})", 1, "true or false"},
        {"os_version 'win9'", 1, "win10"},
        {"cpus(0)", 1, "from 1 to"},
        {"cpus(1.5)", 1, "whole number"},
        {"nonsense(1)", 1, "nonsense"},
        {"x = = 1", 1, "unexpected symbol"},
        {"driver 'upper.sys'\nerror 'my own words'", 2, "my own words"},
        {"driver 'upper.sys'\nerror {}", 2, "error called"},
        {"driver 'upper.sys'\nerror 'two\\nlines'", 2, "two lines"},
        {"driver 'upper.sys'\nwhile true do end", 2, "runs too long"},
        {"local s = 'x'\nwhile true do s = s .. s end", 0, "too much memory"},
        {"\033Lua", 0, "binary chunk"},
        {"require 'os'", 1, "require"},
        {"os.exit(0)", 1, "os"},
        {"load('x = 1')()", 1, "load"},
        {"(''):find('x')", 1, "find"},
        {"setmetatable({}, {})", 1, "setmetatable"},
        {"device('d', {'upper'})", 1, "not the name of a driver"},
        {"driver 'upper.sys'\ndevice('d', {})", 2, "expected its drivers"},
        {"thread('a b', function(t) end)", 1, "printable"},
        {"thread('a')", 1, "expected 2 arguments"},
        {"thread('a', 1)", 1, "got number"},
        {"thread('a', function(t) end)\nthread('a', function(t) end)", 2, "given twice"},
        {"thread('a', function(t)\ndriver 'upper.sys' end)", 2, "inside a thread"},
        {IN_THREAD("t:fly()"), 4, "unknown verb \"fly\""},
        {IN_THREAD("t.open('A')"), 4, "colon"},
        {IN_THREAD("t:open()"), 4, "argument is missing"},
        {IN_THREAD("t:open(1)"), 4, "expected a string, got number"},
        {IN_THREAD("t:open('')"), 4, "1 to 255"},
        {IN_THREAD("t:open('\\xff')"), 4, "UTF-8"},
        {IN_THREAD("t:open('a\\0b')"), 4, "NUL"},
        {IN_THREAD("t:open('A', {kernel = 1})"), 4, "true or false"},
        {IN_THREAD("t:open('A', {async = true})"), 4, "unknown option \"async\""},
        {IN_THREAD("t:open('A', {1})"), 4, "options are named"},
        {IN_THREAD("t:open('A', {}, 3)"), 4, "too many arguments"},
        {IN_THREAD("t:close('A')"), 4, "a handle that t:open gave"},
        {IN_THREAD("local h = t:open 'A' t:close(h)\nt:close(h)"), 5, "closed in line 4"},
        {IN_THREAD("t:wait(t:open 'A')"), 4, "a request"},
        {IN_THREAD("local h = t:open 'A' t:read(h, {async=true})\nt:read(h, {async=true})"), 5,
         "line 4"},
        {IN_THREAD("local h = t:open 'A' local r = t:read(h, {async=true}) t:wait(r)\nt:wait(r)"),
         5, "line 4"},
        {IN_THREAD("t:load 'nobody'"), 4, "not declared"},
        {IN_THREAD("t:suspend 'nobody'"), 4, "no thread \"nobody\""},
        {IN_THREAD("t:remove_device 'nobody'"), 4, "no device or driver"},
        {IN_THREAD("t:power('upper', 'D4')"), 4, "D0"},
        {IN_THREAD("t:delay(-1)"), 4, "seconds"},
        {IN_THREAD("t:delay(0/0)"), 4, "seconds"},
        {IN_THREAD("t:delay 'x'"), 4, "expected seconds"},
        {IN_THREAD("t:ioctl(t:open 'A', -1)"), 4, "from 0 to"},
        {IN_THREAD("t:ioctl(t:open 'A', 1, {input = 7})"), 4, "expected a string"},
        {IN_THREAD("t:ioctl(t:open 'A', 1, {output = 1e9})"), 4, "from 0 to 65536"},
        {IN_THREAD("t:ioctl(t:open 'A', 1, {input = ('x'):rep(20000)})"), 4, "at most"},
        {IN_THREAD("t:expect 'STATUS_SUCCESS'"), 4, "no step before"},
        {IN_THREAD("t:open('A', {expect = 'STATUS_NONSENSE'})"), 4, "unknown status"},
        {IN_THREAD("for i = 1, 40 do\nt:open 'A' end"), 5, "at most 32 handles"},
        {IN_THREAD("for i = 1, 4000 do\nt:delay(0) end"), 5, "at most 512 steps"},
        {DRIVERS "local kept\nthread('a', function(t) kept = t end)\nkept:delay(1)", 5, "outside"},
        {DRIVERS "local h\nthread('a', function(t) h = t:open 'A' end)\nthread('b', "
                 "function(t)\nt:close(h) end)",
         6, "another thread"},
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        wrong += !is_error(cases[i].text, cases[i].line, cases[i].part);
    assert_int_equal(wrong, 0);
}

static void pairs_goes_through_keys_in_order_and_addresses_stay_hidden(void **state)
{
    (void)state;
    assert_true(is_error(
        "local s = ''\nfor k in pairs {b = 1, [2] = 1, a = 1, [1] = 1, zz = 1} do s = s .. k end\n"
        "error(s .. tostring({}) .. string.format('%s %d', print, 3))",
        3, "12abzztablenil 3"));
}

static void reading_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    const char *text = IN_THREAD("for k, v in pairs {c = 3, a = 1, b = 2} do t:open(k .. v) end");
    struct scenario_blob first = {0};
    for (int i = 0; i < 5; i++) {
        struct scenario s = read_good(text);
        struct scenario_blob blob;
        struct error e = {0};
        assert_true(scenario_lower(&s, &blob, &e));
        if (i == 0)
            first = blob;
        else {
            assert_int_equal(blob.size, first.size);
            assert_memory_equal(blob.data, first.data, first.size);
            free(blob.data);
        }
        scenario_free(&s);
    }
    free(first.data);
}

static const void *at(const struct scenario_blob *b, uint64_t address, size_t bytes)
{
    assert_true(address >= RD_LOADER_BLOCK && address - RD_LOADER_BLOCK + bytes <= b->size);
    return b->data + (address - RD_LOADER_BLOCK);
}

static void lowering_lays_out_what_the_guest_reads(void **state)
{
    (void)state;
    struct scenario s = read_good(IN_THREAD(
        "local h = t:open('\xC3\xA4\xF0\x9F\x98\x80')\nt:write(h, {input = 'xyz', offset = 9})\n"
        "t:unload('upper', {expect = -1})"));
    struct scenario_blob b;
    struct error e = {0};
    assert_true(scenario_lower(&s, &b, &e));
    const struct rd_loader_block *block = at(&b, RD_LOADER_BLOCK, sizeof *block);
    assert_int_equal(block->magic, RD_LOADER_MAGIC);
    assert_int_equal(block->version, RD_ABI_VERSION);
    assert_int_equal(block->thread_count, 1);
    assert_int_equal(block->setup_count, 3);
    const struct rd_scenario_thread *t = at(&b, block->threads, sizeof *t);
    assert_string_equal(t->name, "one");
    assert_int_equal(t->step_count, 3);
    const struct rd_step *steps = at(&b, t->steps, 3 * sizeof *steps);
    static const uint16_t name[] = {0xE4, 0xD83D, 0xDE00, 0};
    assert_memory_equal(at(&b, steps[0].text, sizeof name), name, sizeof name);
    assert_memory_equal(at(&b, steps[1].input, 3), "xyz", 3);
    assert_int_equal(steps[1].input_size, 3);
    assert_int_equal(steps[1].value, 9);
    assert_int_equal(steps[1].output, 0);
    assert_int_equal(steps[2].flags, RD_STEP_EXPECT);
    assert_true((uint32_t)steps[2].text2 == 0xFFFFFFFFu);
    assert_int_equal(steps[2].slot, 0xFFFFFFFFu);
    free(b.data);
    scenario_free(&s);
}

static void a_scenario_too_large_for_the_guest_is_refused(void **state)
{
    (void)state;
    struct scenario s =
        read_good(DRIVERS "for i = 1, 8 do thread('t' .. i, function(t)\nlocal h = t:open 'A'\n"
                          "t:write(h, {input = ('x'):rep(16000)}) end) end\n");
    struct scenario_blob b;
    struct error e = {0};
    assert_false(scenario_lower(&s, &b, &e));
    assert_int_equal(e.kind, ERROR_INPUT);
    assert_non_null(strstr(e.text, "fit"));
    scenario_free(&s);
}

static void bare_drivers_are_exercised_while_they_are_unloaded(void **state)
{
    (void)state;
    char *drivers[] = {str_format("%s/lower.sys", folder), str_format("%s/upper.sys", folder)};
    struct scenario s;
    struct error e = {0};
    assert_true(scenario_default(drivers, 2, &s, &e));
    assert_int_equal(s.thread_count, 3);
    assert_int_equal(s.threads[0].steps[0].op, RD_OP_EXERCISE);
    assert_int_equal(s.threads[1].steps[0].op, RD_OP_EXERCISE);
    assert_int_equal(s.threads[2].count, 3);
    assert_int_equal(s.threads[2].steps[0].op, RD_OP_REMOVE_DEVICE);
    assert_string_equal(s.threads[2].steps[0].text, "upper");
    assert_string_equal(s.threads[2].steps[1].text, "upper");
    assert_string_equal(s.threads[2].steps[2].text, "lower");
    scenario_free(&s);
    char *twice[] = {drivers[0], drivers[0]};
    assert_false(scenario_default(twice, 2, &s, &e));
    assert_non_null(strstr(e.text, "given twice"));
    free(drivers[0]);
    free(drivers[1]);
}

static void every_verb_has_a_syntax_and_known_letters(void **state)
{
    (void)state;
    for (size_t i = 0; scenario_verbs[i] != NULL; i++) {
        const struct scenario_verb *v = scenario_verbs[i];
        assert_true(strncmp(v->syntax, "t:", 2) == 0 &&
                    strstr(v->syntax, v->name) == v->syntax + 2);
        assert_true(v->help[0] != '\0');
        assert_int_equal(strspn(v->arguments, "nhruvtTdDspxqwV?"), strlen(v->arguments));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_fill_the_scenario),
        cmocka_unit_test(loads_precede_devices_in_the_order_of_drivers),
        cmocka_unit_test(without_a_device_statement_the_loaded_drivers_form_one_stack),
        cmocka_unit_test(drivers_that_are_not_loaded_get_no_setup_step),
        cmocka_unit_test(verbs_become_steps),
        cmocka_unit_test(slots_are_numbered_by_thread),
        cmocka_unit_test(steps_on_a_kernel_handle_are_kernel_steps),
        cmocka_unit_test(expectations_attach_to_the_step_before),
        cmocka_unit_test(threads_may_be_named_before_they_are_declared),
        cmocka_unit_test(an_asynchronous_step_gives_a_request_for_wait_and_cancel),
        cmocka_unit_test(mistakes_name_their_line),
        cmocka_unit_test(pairs_goes_through_keys_in_order_and_addresses_stay_hidden),
        cmocka_unit_test(reading_twice_gives_the_same_bytes),
        cmocka_unit_test(lowering_lays_out_what_the_guest_reads),
        cmocka_unit_test(a_scenario_too_large_for_the_guest_is_refused),
        cmocka_unit_test(bare_drivers_are_exercised_while_they_are_unloaded),
        cmocka_unit_test(every_verb_has_a_syntax_and_known_letters),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
