/* The table of bugchecks: complete, in order, and safe to ask for anything. */
#include "check/bugchecks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void codes_ascend_and_have_words(void **state)
{
    (void)state;
    for (size_t i = 0; bugcheck_at(i) != NULL; i++) {
        const struct bugcheck_info *b = bugcheck_at(i);
        assert_true(i == 0 || bugcheck_at(i - 1)->code < b->code);
        assert_true(strlen(b->name) > 0 && strlen(b->name) < 64);
        assert_true(strlen(b->rule) > 0 && strlen(b->rule) < 48);
        assert_true(strlen(b->meaning) > 0);
        assert_ptr_equal(bugcheck_find(b->code), b);
        assert_true(b->key < 4);
    }
}

static void sub_codes_ascend_and_have_words(void **state)
{
    (void)state;
    for (size_t i = 0; bugcheck_at(i) != NULL; i++) {
        const struct bugcheck_info *b = bugcheck_at(i);
        for (size_t k = 0; b->cases != NULL && k < b->cases->count; k++) {
            const struct bugcheck_case *c = &b->cases->data[k];
            if (k > 0 && c[-1].value >= c->value)
                fail_msg("%x: %llx comes behind %llx", b->code, (unsigned long long)c->value,
                         (unsigned long long)c[-1].value);
            assert_true(strlen(c->meaning) > 0 && strlen(c->meaning) < 160);
            for (int a = 0; a < 3; a++)
                assert_true(c->argument[a] == NULL || strlen(c->argument[a]) < 160);
            assert_true(c->rule == NULL || strlen(c->rule) < 48);
        }
    }
}

static void texts_fit_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; bugcheck_at(i) != NULL; i++)
        for (const char *t = bugcheck_at(i)->text; t != NULL && *t != '\0';) {
            size_t n = strcspn(t, "\n");
            if (n > 104)
                fail_msg("%x: a line of %zu characters", bugcheck_at(i)->code, n);
            t += n + (t[n] == '\n');
        }
}

static void the_first_parameter_selects_what_the_others_mean(void **state)
{
    (void)state;
    const struct bugcheck_info *c4 = bugcheck_find(0xC4);
    const uint64_t dispatch[4] = {0xC5, 0xFFFFF88001345610, 0xFFFF, 0};
    assert_string_equal(bugcheck_argument(c4, dispatch, 0), "Thread APC disable count changed by driver dispatch routine.");
    assert_string_equal(bugcheck_argument(c4, dispatch, 1), "Driver dispatch routine address.");
    assert_string_equal(bugcheck_argument(c4, dispatch, 2), "Current thread APC disable count.");
    assert_string_equal(bugcheck_case(c4, dispatch)->rule, "apc-disable-count");
    const uint64_t leak[4] = {0x62, 0, 0, 3};
    assert_non_null(strstr(bugcheck_argument(c4, leak, 3), "not freed"));
}

static void special_pool_is_selected_by_its_fourth_parameter(void **state)
{
    (void)state;
    const uint64_t arg[4] = {0x21, 1, 2, 0x24};
    const struct bugcheck_info *c1 = bugcheck_find(0xC1);
    assert_string_equal(bugcheck_argument(c1, arg, 3), "Bytes behind the block were written to");
    assert_string_equal(bugcheck_argument(c1, arg, 0), "Address that was freed");
    assert_string_equal(bugcheck_argument(c1, arg, 1), "Corrupt byte");
    assert_string_equal(bugcheck_argument(c1, arg, 2), "");
}

static void unknown_sub_codes_fall_back_to_the_codes_own_texts(void **state)
{
    (void)state;
    const uint64_t hostile[][4] = {{~0ull, ~0ull, ~0ull, ~0ull}, {0x1000000C5, 0, 0, 0}, {0x8000000000000000, 1, 2, 3}};
    for (size_t i = 0; bugcheck_at(i) != NULL; i++)
        for (size_t h = 0; h < sizeof hostile / sizeof hostile[0]; h++) {
            assert_null(bugcheck_case(bugcheck_at(i), hostile[h]));
            for (unsigned a = 0; a < 4; a++)
                assert_non_null(bugcheck_argument(bugcheck_at(i), hostile[h], a));
        }
}

static void whatever_the_guest_kernel_raises_has_words(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct bugcheck_raised *r = bugcheck_raised; r->code != 0; r++, count++) {
        const struct bugcheck_info *info = bugcheck_find(r->code);
        if (strncmp(info->name, "BUGCHECK_", 9) == 0)
            fail_msg("%x has no entry in check/bugchecks.c", r->code);
        const uint64_t arg[4] = {r->first, 0, 0, r->first};
        if (info->cases != NULL && r->first != ~0ull && bugcheck_case(info, arg) == NULL)
            fail_msg("%x, %llx has no entry", r->code, (unsigned long long)r->first);
    }
    assert_true(count > 25); /* else the scan of the sources finds nothing */
}

static void options_are_those_of_the_verifier(void **state)
{
    (void)state;
    assert_string_equal(bugcheck_option(0xC4, 0xC5), "io");
    assert_string_equal(bugcheck_option(0xC4, 0x62), "pool-tracking");
    assert_string_equal(bugcheck_option(0xC9, 0x302), "io");
    assert_null(bugcheck_option(0x20, ~0ull));
}

static void unknown_codes_are_named_by_their_number(void **state)
{
    (void)state;
    const uint64_t arg[4] = {1, 2, 3, 4};
    assert_string_equal(bugcheck_find(0xDEADDEAD)->name, "BUGCHECK_DEADDEAD");
    assert_string_equal(bugcheck_argument(bugcheck_find(0), arg, 2), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_ascend_and_have_words),
        cmocka_unit_test(sub_codes_ascend_and_have_words),
        cmocka_unit_test(texts_fit_a_terminal),
        cmocka_unit_test(the_first_parameter_selects_what_the_others_mean),
        cmocka_unit_test(special_pool_is_selected_by_its_fourth_parameter),
        cmocka_unit_test(unknown_sub_codes_fall_back_to_the_codes_own_texts),
        cmocka_unit_test(whatever_the_guest_kernel_raises_has_words),
        cmocka_unit_test(options_are_those_of_the_verifier),
        cmocka_unit_test(unknown_codes_are_named_by_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
