/*
 * Agents that are alike (explore/symmetry.h): one order of them stands for all. The oracle for the number of executions is another
 * tool's count on the anchor programs with its own symmetry reduction; for what is found, brute force on random programs
 * whose threads run the same code, by the final values of the variables and the places of violations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "explore/symmetry.h"
#include "tests/unit/explore_sim/sim.h"

static struct explore_result explore(const struct sim_program *p, uint64_t group, const char *strategy, unsigned jobs)
{
    struct sim *s = sim_create(p);
    struct subject inner = sim_subject(s), subject = inner;
    struct symmetry *symmetry = NULL;
    if (group != 0) {
        symmetry = symmetry_open(&inner, &group, 1);
        subject = symmetry_subject(symmetry);
    }
    struct explore_options o = {.strategy = strategy, .all = true, .want_states = true, .jobs = jobs, .jobs_after = 1,
                                .jobs_split = 5, .max_executions = 300000};
    struct explore_result r;
    struct error e = {0};
    if (!explore_run(&subject, &o, &r, &e))
        fail_msg("%s", e.text);
    symmetry_close(symmetry);
    sim_destroy(s);
    return r;
}

static void expect_count(const struct sim_program *p, unsigned clients, uint64_t count)
{
    struct explore_result r = explore(p, (1ull << clients) - 1, "dpor", 1);
    assert_true(r.complete);
    assert_int_equal(r.violation_count, 0);
    assert_int_equal(r.executions, count);
    assert_int_equal(r.blocked, 0);
    explore_free(&r);
}

static void equal_clients_of_bluetooth_count_once(void **state)
{
    static const uint64_t counts[] = {0, 7, 66, 755, 10284};
    struct sim_program p;
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        sim_bluetooth(&p, n, false);
        expect_count(&p, n, counts[n]);
    }
}

static void equal_clients_of_a_remove_lock_count_once(void **state)
{
    static const uint64_t counts[] = {0, 16, 283, 5576};
    struct sim_program p;
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        sim_remlock(&p, n, false);
        expect_count(&p, n, counts[n]);
    }
}

static void equal_releases_have_one_order(void **state)
{
    struct sim_program p;
    (void)state;
    sim_incn(&p, 6);
    expect_count(&p, 6, 1);
}

/* ---- random programs ---- */

#define CODE 8
#define VARS 4

struct program {
    struct sim_program program;
    struct sim_op equal[CODE], other[CODE];
};

static struct sim_op random_op(struct rng *rng)
{
    int var = (int)rng_below(rng, 3), r = (int)rng_below(rng, 2);
    switch (rng_below(rng, 10)) {
    case 0:
    case 1:
        return (struct sim_op){SIM_LOAD, .r = r, .var = var};
    case 2:
        return (struct sim_op){SIM_STORE, .var = var, .imm = (int)rng_below(rng, 3)};
    case 3:
        return (struct sim_op){SIM_ADD, .r = r, .var = var, .imm = rng_below(rng, 2) ? 1 : -1};
    case 4:
        return (struct sim_op){SIM_CAS, .var = var};
    case 5:
        return (struct sim_op){SIM_IF, .r = r, .var = var, .imm = (int)rng_below(rng, 3), .other = (int)rng_below(rng, 3)};
    case 6:
        return (struct sim_op){rng_below(rng, 2) ? SIM_LOCK : SIM_SPIN, .var = 3};
    case 7:
        return (struct sim_op){SIM_STORE, .var = 3};
    case 8:
        return (struct sim_op){SIM_CHOOSE, .r = r, .imm = 2};
    default:
        return (struct sim_op){SIM_STORER, .r = r, .var = var};
    }
}

static void random_code(struct rng *rng, struct sim_op *code, unsigned operations)
{
    unsigned at = 0;
    while (operations-- > 0) {
        if (at > 0 && rng_below(rng, 4) == 0) {
            code[at] = (struct sim_op){rng_below(rng, 2) ? SIM_JZ : SIM_JNZ, .r = (int)rng_below(rng, 2), .imm = (int)at + 2};
            at++;
        } else if (at > 0 && rng_below(rng, 12) == 0) {
            code[at++] = (struct sim_op){SIM_CHECK, .r = (int)rng_below(rng, 2)};
        }
        code[at++] = random_op(rng);
    }
    code[at] = (struct sim_op){SIM_END};
}

static void generate(struct program *out, uint64_t seed)
{
    struct rng rng = {seed};
    memset(out, 0, sizeof *out);
    unsigned equal = 2 + (unsigned)rng_below(&rng, 2);
    random_code(&rng, out->equal, 1 + (unsigned)rng_below(&rng, equal == 2 ? 3 : 2));
    random_code(&rng, out->other, 1 + (unsigned)rng_below(&rng, 2));
    out->program.threads = equal + 1;
    out->program.vars = VARS;
    out->program.states_are_memory = true;
    for (unsigned t = 0; t < equal; t++)
        out->program.code[t] = out->equal;
    out->program.code[equal] = out->other;
}

static void expect_same(const struct explore_result *all, const struct explore_result *some, uint64_t seed)
{
    bool same = all->state_count == some->state_count && all->violation_count == some->violation_count;
    for (size_t i = 0; i < all->state_count && same; i++)
        same = hash_equal(all->states[i], some->states[i]);
    for (size_t i = 0; i < all->violation_count && same; i++) {
        bool met = false;
        for (size_t j = 0; j < some->violation_count; j++)
            met |= strcmp(all->violations[i].key, some->violations[j].key) == 0;
        same = met;
    }
    if (!same)
        fail_msg("seed %llu: %zu states and %zu violations in all orders, %zu and %zu in one", (unsigned long long)seed,
                 all->state_count, all->violation_count, some->state_count, some->violation_count);
}

static void one_order_of_equal_threads_reaches_what_all_orders_do(void **state)
{
    const char *more = getenv("EXPLORE_RANDOM");
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : 300, all = 0, some = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= count; seed++) {
        struct program p;
        generate(&p, seed);
        uint64_t group = (1ull << (p.program.threads - 1)) - 1;
        struct explore_result brute = explore(&p.program, 0, "brute", 1);
        if (brute.complete) {
            struct explore_result whole = explore(&p.program, 0, "dpor", 1);
            for (unsigned jobs = 1; jobs <= 3; jobs += 2) {
                struct explore_result one = explore(&p.program, group, "dpor", jobs);
                assert_true(one.complete);
                expect_same(&brute, &one, seed);
                all += whole.executions;
                some += one.executions;
                explore_free(&one);
            }
            explore_free(&whole);
        }
        explore_free(&brute);
    }
    print_message("# %llu executions instead of %llu\n", (unsigned long long)some, (unsigned long long)all);
    assert_true(some * 10 < all * 9);
}

static void threads_that_ask_who_they_are_are_not_alike(void **state)
{
    static const struct sim_op code[] = {
        {SIM_ADD, .r = 0, .var = 0, .imm = 1}, {SIM_SELF, .r = 1}, {SIM_STORER, .r = 1, .var = 1}, {SIM_END}};
    struct sim_program p = {.threads = 3, .vars = 2, .code = {code, code, code}, .states_are_memory = true};
    (void)state;
    for (unsigned jobs = 1; jobs <= 2; jobs++) {
        struct explore_result all = explore(&p, 0, "dpor", 1), alike = explore(&p, 7, "dpor", jobs);
        assert_int_equal(all.state_count, 3);
        expect_same(&all, &alike, jobs);
        assert_int_equal(alike.executions, all.executions);
        explore_free(&all);
        explore_free(&alike);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_clients_of_bluetooth_count_once),
        cmocka_unit_test(equal_clients_of_a_remove_lock_count_once),
        cmocka_unit_test(equal_releases_have_one_order),
        cmocka_unit_test(one_order_of_equal_threads_reaches_what_all_orders_do),
        cmocka_unit_test(threads_that_ask_who_they_are_are_not_alike),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
