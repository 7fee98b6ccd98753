/*
 * The explorer on simulated programs: the anchor series, where the number of executions is the
 * oracle, and the behaviour of each part of the contract in explore/explore.h.
 *
 * The anchor counts are numbers of Mazurkiewicz traces. Those of bluetooth and remlock were agreed
 * on by three independent explorers; rundown n! and incn n! are the orders of n interlocked
 * operations on one word, readers 2^n the side of the write that each read falls on, and last-zero
 * (n + 3) 2^(n-2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/explore_sim/sim.h"

static struct explore_result explore(const struct sim_program *p, struct explore_options o)
{
    struct sim *s = sim_create(p);
    struct subject subject = sim_subject(s);
    struct hash128 before = subject.state(subject.context);
    struct explore_result r;
    struct error e = {0};
    if (!explore_run(&subject, &o, &r, &e))
        fail_msg("%s", e.text);
    /* Whatever was explored, the subject stands where it stood. */
    assert_true(hash_equal(before, subject.state(subject.context)));
    sim_destroy(s);
    return r;
}

static void expect_traces(const struct sim_program *p, uint64_t traces)
{
    struct explore_result r = explore(p, (struct explore_options){.all = true});
    assert_int_equal(r.executions, traces);
    assert_int_equal(r.violation_count, 0);
    assert_true(r.complete);
    assert_int_equal(r.stop, STOP_END);
    assert_string_equal(r.claim, "every interleaving explored");
    explore_free(&r);
}

static void expect_exact(const struct sim_program *p, uint64_t traces)
{
    struct explore_result r = explore(p, (struct explore_options){.all = true});
    assert_int_equal(r.executions, traces);
    assert_int_equal(r.blocked, 0);
    explore_free(&r);
}

/* ---- anchors ---- */

static void bluetooth_has_its_number_of_traces(void **state)
{
    static const uint64_t traces[] = {0, 7, 132, 4530, 246816};
    struct sim_program p;
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        sim_bluetooth(&p, n, false);
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        expect_traces(&p, traces[n]);
        clock_gettime(CLOCK_MONOTONIC, &to);
        double seconds =
            (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        if (n == 4)
            print_message("# bare explorer: %.0f executions/s\n", (double)traces[n] / seconds);
        if (n < 4)
            expect_exact(&p, traces[n]);
    }
}

static void remlock_has_its_number_of_traces(void **state)
{
    static const uint64_t traces[] = {0, 16, 566, 33456};
    struct sim_program p;
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        sim_remlock(&p, n, false);
        expect_exact(&p, traces[n]);
    }
}

static void rundown_has_n_factorial_traces(void **state)
{
    struct sim_program p;
    uint64_t factorial = 1;
    (void)state;
    for (unsigned n = 1; n <= 6; n++) {
        factorial *= n;
        sim_rundown(&p, n, false);
        expect_traces(&p, factorial);
        expect_exact(&p, factorial);
    }
}

static void last_zero_has_its_number_of_traces(void **state)
{
    static const uint64_t traces[] = {0, 0, 5, 12, 28, 64, 144, 320};
    struct sim_program p;
    (void)state;
    for (unsigned n = 2; n <= 7; n++) {
        sim_last_zero(&p, n);
        expect_traces(&p, traces[n]);
    }
}

static void readers_have_two_to_the_n_traces(void **state)
{
    struct sim_program p;
    (void)state;
    for (unsigned n = 1; n <= 10; n++) {
        sim_readers(&p, n);
        expect_exact(&p, 1u << n);
    }
}

static void increments_have_n_factorial_traces(void **state)
{
    struct sim_program p;
    uint64_t factorial = 1;
    (void)state;
    for (unsigned n = 1; n <= 7; n++) {
        factorial *= n;
        sim_incn(&p, n);
        expect_exact(&p, factorial);
    }
}

static void indexer_has_its_number_of_traces(void **state)
{
    struct sim_program p;
    (void)state;
    sim_indexer(&p, 11);
    expect_exact(&p, 1);
    sim_indexer(&p, 12);
    expect_exact(&p, 8);
    sim_indexer(&p, 13);
    expect_exact(&p, 64);
}

static void planted_bugs_are_found_within_four_executions(void **state)
{
    struct sim_program p;
    (void)state;
    for (unsigned n = 1; n <= 3; n++)
        for (unsigned which = 0; which < 3; which++) {
            (which == 0 ? sim_bluetooth : which == 1 ? sim_rundown : sim_remlock)(&p, n, true);
            struct explore_result r = explore(&p, (struct explore_options){0});
            assert_int_equal(r.stop, STOP_VIOLATION);
            assert_int_equal(r.violation_count, 1);
            assert_in_range(r.to_first, 1, 4);
            assert_int_equal(r.to_first, r.executions);
            assert_false(r.complete);
            explore_free(&r);
        }
}

/* ---- small programs for single behaviours ---- */

#define LOAD(r_, v_)                                                                               \
    {                                                                                              \
        SIM_LOAD, .r = (r_), .var = (v_)                                                           \
    }
#define STORE(v_, i_)                                                                              \
    {                                                                                              \
        SIM_STORE, .var = (v_), .imm = (i_)                                                        \
    }
#define ADD(r_, v_, i_)                                                                            \
    {                                                                                              \
        SIM_ADD, .r = (r_), .var = (v_), .imm = (i_)                                               \
    }
#define BUMP(v_)                                                                                   \
    {                                                                                              \
        SIM_BUMP, .var = (v_), .imm = 1                                                            \
    }
#define CHECK(r_)                                                                                  \
    {                                                                                              \
        SIM_CHECK, .r = (r_)                                                                       \
    }
#define CHECKZ(r_)                                                                                 \
    {                                                                                              \
        SIM_CHECKZ, .r = (r_)                                                                      \
    }
#define LOCK(v_)                                                                                   \
    {                                                                                              \
        SIM_LOCK, .var = (v_)                                                                      \
    }
#define UNLOCK(v_)                                                                                 \
    {                                                                                              \
        SIM_STORE, .var = (v_), .imm = 0                                                           \
    }
#define END                                                                                        \
    {                                                                                              \
        SIM_END                                                                                    \
    }

static struct sim_program two(const struct sim_op *a, const struct sim_op *b, unsigned vars)
{
    struct sim_program p = {.threads = 2, .code = {a, b}, .vars = vars};
    return p;
}

static void independent_threads_need_one_execution(void **state)
{
    static const struct sim_op a[] = {STORE(0, 1), STORE(0, 2), LOAD(0, 0), END};
    static const struct sim_op b[] = {STORE(1, 1), ADD(0, 1, 1), END};
    struct sim_program p = two(a, b, 2);
    (void)state;
    expect_exact(&p, 1);
}

static void loads_of_one_location_commute(void **state)
{
    static const struct sim_op a[] = {LOAD(0, 0), LOAD(1, 0), END};
    struct sim_program p = two(a, a, 1);
    (void)state;
    expect_exact(&p, 1);
}

static void additions_that_nobody_looks_at_commute(void **state)
{
    static const struct sim_op a[] = {BUMP(0), BUMP(0), END};
    struct sim_program p = two(a, a, 1);
    (void)state;
    expect_exact(&p, 1);
}

static void an_addition_conflicts_with_other_accesses(void **state)
{
    /* By hand: the load, the store or the addition with a result comes before, between or behind the two additions. */
    static const struct sim_op bumps[] = {BUMP(0), BUMP(0), END};
    static const struct sim_op load[] = {LOAD(0, 0), END}, store[] = {STORE(0, 7), END}, add[] = {ADD(0, 0, 1), END};
    struct sim_program p = two(bumps, load, 1);
    (void)state;
    expect_exact(&p, 3);
    p = two(bumps, store, 1);
    expect_exact(&p, 3);
    p = two(bumps, add, 1);
    expect_exact(&p, 3);
    /* Two adders and a reader: it sees any subset of the additions. */
    static const struct sim_op bump[] = {BUMP(0), END};
    p = (struct sim_program){.threads = 3, .code = {bump, bump, load}, .vars = 1};
    expect_exact(&p, 4);
}

static void a_sleeping_agent_is_not_explored_twice(void **state)
{
    /* By hand: the two writes of x in two orders, the private writes of y and z commute with
     * everything: 2. */
    static const struct sim_op a[] = {STORE(1, 1), STORE(0, 1), END};
    static const struct sim_op b[] = {STORE(2, 1), STORE(0, 2), END};
    struct sim_program p = two(a, b, 3);
    (void)state;
    expect_exact(&p, 2);
}

static void choices_are_explored_with_every_answer(void **state)
{
    /* By hand: 3 answers times the 2 sides of the other thread's store, which the choice's own
     * store meets; and a choice that nobody shares: 3 * 2 = 6. */
    static const struct sim_op a[] = {
        {SIM_CHOOSE, .r = 0, .imm = 3}, {SIM_STORER, .r = 0, .var = 0}, END};
    static const struct sim_op b[] = {STORE(0, 7), END};
    struct sim_program p = two(a, b, 1);
    (void)state;
    expect_exact(&p, 6);
    /* Two questions in one step, the second only after a non-zero first answer: 1 + 1 * 2 = 3
     * lists. */
    static const struct sim_op c[] = {
        {SIM_CHOOSE2, .r = 0, .imm = 2}, {SIM_STORER, .r = 0, .var = 0}, END};
    p = two(c, b, 1);
    expect_exact(&p, 6);
}

static void a_choice_in_the_last_enabled_thread_is_explored(void **state)
{
    /* Nodes with one enabled agent have no snapshot of their own. */
    static const struct sim_op a[] = {STORE(0, 1),
                                      {SIM_CHOOSE, .r = 0, .imm = 2},
                                      {SIM_CHOOSE, .r = 1, .imm = 2},
                                      {SIM_STORER, .r = 0, .var = 0},
                                      END};
    static const struct sim_op idle[] = {END};
    struct sim_program p = two(a, idle, 1);
    (void)state;
    expect_exact(&p, 4);
}

static void a_violation_behind_one_answer_is_found(void **state)
{
    static const struct sim_op a[] = {{SIM_CHOOSE, .r = 0, .imm = 5},
                                      {SIM_CALC, .r = 0, .imm = 1, .other = -4, .var = 100},
                                      CHECKZ(0),
                                      END};
    static const struct sim_op b[] = {STORE(0, 7), END};
    struct sim_program p = two(a, b, 1);
    (void)state;
    struct explore_result r = explore(&p, (struct explore_options){0});
    assert_int_equal(r.violation_count, 1);
    struct schedule s = r.violations[0].schedule;
    assert_true(s.count >= 2 && s.data[s.count - 1].is_choice);
    assert_int_equal(s.data[s.count - 1].value, 4);
    assert_int_equal(s.data[s.count - 1].agent, 0);
    explore_free(&r);
}

static void a_lock_order_inversion_hangs(void **state)
{
    static const struct sim_op a[] = {LOCK(0), LOCK(1), UNLOCK(1), UNLOCK(0), END};
    static const struct sim_op b[] = {LOCK(1), LOCK(0), UNLOCK(0), UNLOCK(1), END};
    struct sim_program p = two(a, b, 2);
    (void)state;
    struct explore_result r = explore(&p, (struct explore_options){.all = true});
    assert_int_equal(r.stop, STOP_VIOLATION);
    assert_int_equal(r.violation_count, 1);
    assert_string_equal(r.violations[0].key, "hang");
    assert_true(r.complete);
    explore_free(&r);
    struct sim_program same = two(a, a, 2);
    r = explore(&same, (struct explore_options){.all = true});
    assert_int_equal(r.violation_count, 0);
    assert_true(r.complete);
    explore_free(&r);
}

static void a_violation_does_not_hide_what_others_would_have_done(void **state)
{
    /* Thread 0 fails at once whatever happens; thread 1 fails a step later. */
    static const struct sim_op a[] = {STORE(0, 1), {SIM_SET, .r = 0, .imm = 1}, CHECK(0), END};
    static const struct sim_op b[] = {STORE(1, 1), LOAD(0, 1), CHECK(0), END};
    struct sim_program p = two(a, b, 2);
    (void)state;
    struct explore_result r = explore(&p, (struct explore_options){.all = true});
    assert_int_equal(r.violation_count, 2);
    assert_true(r.complete);
    explore_free(&r);
    /* Without all, the first one ends exploration. */
    r = explore(&p, (struct explore_options){0});
    assert_int_equal(r.violation_count, 1);
    assert_int_equal(r.executions, 1);
    assert_string_equal(r.claim, "exploration not finished: stopped at the first violation");
    explore_free(&r);
}

static void equal_violations_are_counted_once_each(void **state)
{
    static const struct sim_op a[] = {LOAD(0, 0), CHECKZ(0), END};
    static const struct sim_op b[] = {STORE(1, 1), END};
    static const struct sim_op c[] = {LOAD(0, 1), END};
    struct sim_program p = {.threads = 3, .code = {a, b, c}, .vars = 2};
    (void)state;
    struct explore_result r = explore(&p, (struct explore_options){.all = true});
    assert_int_equal(r.violation_count, 1);
    assert_string_equal(r.violations[0].key, "T0:1");
    assert_int_equal(r.violations[0].count, r.executions);
    explore_free(&r);
}

static void cancelling_conflicts_with_what_it_cancels(void **state)
{
    /* Thread 2 can begin only between start and cancel; its store is seen by the canceller's last
     * load. */
    static const struct sim_op a[] = {{SIM_START, .imm = 2}, END};
    static const struct sim_op b[] = {{SIM_CANCEL, .imm = 2}, LOAD(0, 0), CHECK(0), END};
    static const struct sim_op c[] = {STORE(0, 1), END};
    struct sim_program p = {
        .threads = 3, .code = {a, b, c}, .vars = 1, .dormant = 1 << 2, .cpu_keys = true};
    (void)state;
    struct explore_result r = explore(&p, (struct explore_options){.all = true});
    assert_int_equal(r.violation_count, 1);
    assert_true(r.complete);
    explore_free(&r);
}

/* ---- growth, limits, stops ---- */

static void growth_starts_again_and_finds_what_private_steps_hid(void **state)
{
    static const struct sim_op a[] = {STORE(0, 1), STORE(0, 0), END};
    static const struct sim_op b[] = {LOAD(0, 0), CHECK(0), END};
    struct sim_program p = two(a, b, 1);
    (void)state;
    p.private_at_first = true;
    struct explore_result r = explore(&p, (struct explore_options){.all = true});
    assert_int_equal(r.restarts, 1);
    assert_int_equal(r.violation_count, 1);
    assert_true(r.complete);
    /* By hand: one execution before the restart, which does not count; then the load falls before, between and
     * behind the stores. */
    assert_int_equal(r.voided, 1);
    assert_int_equal(r.executions, 3);
    explore_free(&r);
}

static void a_violation_ends_exploration_even_when_the_shared_set_grew(void **state)
{
    static const struct sim_op a[] = {STORE(0, 1), END};
    static const struct sim_op b[] = {LOAD(0, 0), CHECK(0), END};
    struct sim_program p = two(a, b, 1);
    (void)state;
    p.private_at_first = true;
    struct sim *s = sim_create(&p);
    struct subject subject = sim_subject(s);
    struct explore_options o = {0};
    struct explore_result r;
    struct error e = {0};
    assert_true(explore_run(&subject, &o, &r, &e));
    assert_int_equal(r.violation_count, 1);
    assert_int_equal(r.restarts, 0);
    /* The growth was not made effective: the schedule still divides the run as it did. */
    assert_int_equal(sim_begun(s), 1);
    assert_int_equal(explore_replay(&subject, &r.violations[0].schedule, false, &e),
                     STOP_VIOLATION);
    explore_free(&r);
    sim_destroy(s);
}

static void the_step_limit_cancels_the_claim(void **state)
{
    static const struct sim_op a[] = {STORE(0, 1), STORE(0, 2), STORE(0, 3), END};
    struct sim_program p = two(a, a, 1);
    static const char *const strategies[] = {"dpor", "brute"};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct explore_result r =
            explore(&p, (struct explore_options){.strategy = strategies[i], .max_steps = 4});
        assert_true(r.step_limit_hit);
        assert_false(r.complete);
        assert_string_equal(r.claim,
                            "exploration not finished: executions were cut at the step limit");
        explore_free(&r);
        r = explore(&p, (struct explore_options){.strategy = strategies[i], .max_steps = 6});
        assert_false(r.step_limit_hit);
        assert_true(r.complete);
        explore_free(&r);
    }
}

static void a_limit_on_executions_cancels_the_claim(void **state)
{
    struct sim_program p;
    (void)state;
    sim_incn(&p, 4);
    struct explore_result r = explore(&p, (struct explore_options){.max_executions = 23});
    assert_int_equal(r.executions, 23);
    assert_false(r.complete);
    assert_string_equal(r.claim, "exploration not finished: execution limit reached");
    explore_free(&r);
}

static void a_time_limit_cancels_the_claim(void **state)
{
    struct sim_program p;
    (void)state;
    sim_incn(&p, 14);
    struct explore_result r = explore(&p, (struct explore_options){.seconds = 0.05});
    assert_false(r.complete);
    assert_string_equal(r.claim, "exploration not finished: time limit reached");
    explore_free(&r);
}

static void what_is_not_implemented_ends_exploration(void **state)
{
    static const struct sim_op a[] = {STORE(0, 1), {SIM_FREEZE}, END};
    struct sim_program p = two(a, a, 1);
    (void)state;
    struct explore_result r = explore(&p, (struct explore_options){.all = true});
    assert_int_equal(r.stop, STOP_UNIMPLEMENTED);
    assert_int_equal(r.executions, 0);
    assert_false(r.complete);
    explore_free(&r);
}

static void a_subject_that_breaks_the_model_gets_no_claim(void **state)
{
    /* Without processor keys, what starts a thread and the thread's first step have nothing in
     * common. */
    static const struct sim_op a[] = {{SIM_START, .imm = 1}, END};
    static const struct sim_op b[] = {STORE(0, 1), END};
    struct sim_program p = two(a, b, 1);
    (void)state;
    p.dormant = 1 << 1;
    struct explore_result r = explore(&p, (struct explore_options){0});
    assert_false(r.complete);
    assert_string_equal(
        r.claim,
        "exploration not finished: a step was enabled by one that it has nothing in common with");
    explore_free(&r);
    p.cpu_keys = true;
    expect_exact(&p, 1);
}

static void count_call(void *context, const struct explore_result *r)
{
    assert_true(r->steps > 0);
    ++*(unsigned *)context;
}

struct seen {
    unsigned calls;
    uint64_t executions;
};

/* All that a line of progress says. */
static void look_at_progress(void *context, const struct explore_result *r)
{
    struct seen *s = context;
    assert_true(r->executions > s->executions);
    assert_true(r->steps >= r->executions);
    assert_int_equal(r->max_depth, 12);
    /* Of each of the twelve nodes above, agents that are known and not tried. */
    assert_in_range(r->frontier, 1, 66);
    /* What turns up lowers it again, but never to nothing. */
    assert_true(r->done > 0 && r->done < 1);
    s->executions = r->executions;
    s->calls++;
}

static void progress_says_how_deep_how_much_is_known_to_be_left_and_what_share_is_done(void **state)
{
    struct sim_program p;
    struct seen seen = {0};
    (void)state;
    sim_incn(&p, 12);
    struct explore_result r = explore(
        &p, (struct explore_options){
                .seconds = 1.8, .progress = look_at_progress, .progress_context = &seen});
    assert_in_range(seen.calls, 2, 3);
    explore_free(&r);
}

/* The share of the tree that is said to be done at one point, in executions, against what it really was. */
struct estimate {
    uint64_t total;
    unsigned calls;
};

static void compare_estimate(void *context, const struct explore_result *r)
{
    struct estimate *e = context;
    double really = (double)(r->executions + r->blocked) / (double)e->total;
    /* The orders of equal steps: nothing turns up late but at the lowest nodes, so the estimate is good. */
    assert_true(r->done > really / 3 && r->done < 3 * really + 0.05);
    e->calls++;
}

static void the_estimate_is_close_where_nothing_turns_up_late(void **state)
{
    struct sim_program p;
    (void)state;
    sim_incn(&p, 10);
    struct estimate e = {.total = 3628800};
    struct explore_result r = explore(
        &p, (struct explore_options){
                .seconds = 1.3, .progress = compare_estimate, .progress_context = &e});
    assert_in_range(e.calls, 1, 2);
    explore_free(&r);
}

static void progress_is_reported_about_twice_a_second(void **state)
{
    struct sim_program p;
    unsigned calls = 0;
    (void)state;
    sim_incn(&p, 14);
    struct explore_result r =
        explore(&p, (struct explore_options){
                        .seconds = 0.8, .progress = count_call, .progress_context = &calls});
    assert_int_equal(calls, 1);
    explore_free(&r);
}

static void an_unknown_strategy_is_refused_by_name(void **state)
{
    struct sim_program p;
    (void)state;
    sim_incn(&p, 2);
    struct sim *s = sim_create(&p);
    struct subject subject = sim_subject(s);
    struct explore_options o = {.strategy = "magic"};
    struct explore_result r;
    struct error e = {0};
    assert_false(explore_run(&subject, &o, &r, &e));
    assert_int_equal(e.kind, ERROR_INPUT);
    assert_non_null(strstr(e.text, "magic"));
    sim_destroy(s);
}

/* ---- random ---- */

static void equal_seeds_give_equal_executions(void **state)
{
    struct sim_program p;
    (void)state;
    sim_bluetooth(&p, 3, true);
    struct explore_result r[3];
    for (unsigned i = 0; i < 3; i++)
        r[i] = explore(&p, (struct explore_options){.strategy = "random",
                                                    .seed = i < 2 ? 5 : 6,
                                                    .max_executions = 200,
                                                    .all = true,
                                                    .want_states = true});
    assert_int_equal(r[0].executions, 200);
    assert_string_equal(r[0].claim, "200 executions sampled (random, seed 5)");
    assert_false(r[0].complete);
    assert_true(r[0].violation_count > 0);
    assert_int_equal(r[0].steps, r[1].steps);
    assert_int_equal(r[0].to_first, r[1].to_first);
    assert_int_equal(r[0].state_count, r[1].state_count);
    assert_int_not_equal(r[0].steps, r[2].steps);
    for (unsigned i = 0; i < 3; i++)
        explore_free(&r[i]);
}

static void random_needs_a_limit(void **state)
{
    struct sim_program p;
    (void)state;
    sim_incn(&p, 2);
    struct sim *s = sim_create(&p);
    struct subject subject = sim_subject(s);
    struct explore_options o = {.strategy = "random"};
    struct explore_result r;
    struct error e = {0};
    assert_false(explore_run(&subject, &o, &r, &e));
    assert_int_equal(e.kind, ERROR_INPUT);
    sim_destroy(s);
}

/* ---- few preemptions ---- */

static void bounds_are_explored_in_order_and_claimed(void **state)
{
    struct sim_program p;
    (void)state;
    /* By hand: without preemption the client and the stopper run in either order: 2. */
    sim_bluetooth(&p, 1, true);
    struct explore_result r = explore(&p, (struct explore_options){.strategy = "bounded"});
    assert_int_equal(r.executions, 2);
    assert_int_equal(r.violation_count, 0);
    assert_false(r.complete);
    assert_string_equal(r.claim, "every interleaving with at most 0 preemptions explored");
    explore_free(&r);
    r = explore(&p, (struct explore_options){.strategy = "bounded", .preemptions = 2});
    assert_int_equal(r.stop, STOP_VIOLATION);
    explore_free(&r);
    sim_bluetooth(&p, 1, false);
    r = explore(&p, (struct explore_options){.strategy = "bounded", .preemptions = 1});
    assert_string_equal(r.claim, "every interleaving with at most 1 preemption explored");
    explore_free(&r);
}

static void a_bound_that_no_execution_reaches_gives_every_interleaving(void **state)
{
    struct sim_program p;
    (void)state;
    sim_bluetooth(&p, 2, false);
    struct explore_result r =
        explore(&p, (struct explore_options){.strategy = "bounded", .preemptions = 20});
    struct explore_result brute = explore(&p, (struct explore_options){.strategy = "brute"});
    assert_int_equal(brute.executions, 6268);
    assert_int_equal(r.executions, brute.executions);
    explore_free(&r);
    explore_free(&brute);
}

static void every_bug_of_depth_two_is_found_by_pct(void **state)
{
    struct sim_program p;
    (void)state;
    for (unsigned n = 1; n <= 3; n++)
        for (unsigned which = 0; which < 3; which++) {
            uint64_t sum = 0;
            (which == 0 ? sim_bluetooth : which == 1 ? sim_rundown : sim_remlock)(&p, n, true);
            for (uint64_t seed = 1; seed <= 50; seed++) {
                struct explore_result r = explore(
                    &p, (struct explore_options){
                            .strategy = "pct", .depth = 2, .seed = seed, .max_executions = 10000});
                assert_int_equal(r.violation_count, 1);
                sum += r.to_first;
                explore_free(&r);
            }
            print_message("# pct depth 2: mean executions to the first bug %.1f\n",
                          (double)sum / 50);
        }
}

static void every_planted_bug_is_found_by_partial_order_sampling(void **state)
{
    struct sim_program p;
    (void)state;
    for (unsigned n = 1; n <= 3; n++)
        for (unsigned which = 0; which < 3; which++) {
            uint64_t sum = 0;
            (which == 0 ? sim_bluetooth : which == 1 ? sim_rundown : sim_remlock)(&p, n, true);
            for (uint64_t seed = 1; seed <= 50; seed++) {
                struct explore_options o = {
                    .strategy = "pos", .seed = seed, .max_executions = 10000};
                struct explore_result r = explore(&p, o), again = explore(&p, o);
                assert_int_equal(r.violation_count, 1);
                assert_int_equal(r.to_first, again.to_first);
                sum += r.to_first;
                explore_free(&r);
                explore_free(&again);
            }
            print_message("# pos: mean executions to the first bug %.1f\n", (double)sum / 50);
        }
}

static void pct_claims_the_probability_that_its_paper_guarantees(void **state)
{
    struct sim_program p;
    (void)state;
    sim_rundown(&p, 2, true);
    struct explore_result r = explore(&p, (struct explore_options){.strategy = "pct",
                                                                   .depth = 2,
                                                                   .seed = 1,
                                                                   .all = true,
                                                                   .max_executions = 4000});
    const char *bound = strstr(r.claim, "with probability >= ");
    assert_non_null(bound);
    double claimed = strtod(bound + strlen("with probability >= "), NULL);
    uint64_t met = 0;
    for (size_t i = 0; i < r.violation_count; i++)
        met += r.violations[i].count;
    assert_true(claimed > 0 && claimed < 1);
    assert_true((double)met / (double)r.executions >= claimed);
    explore_free(&r);
}

static void pct_claims_no_more_than_its_paper(void **state)
{
    struct sim_program p;
    (void)state;
    /* Three threads; steps as many as the longest execution had. */
    sim_rundown(&p, 2, true);
    for (unsigned depth = 1; depth <= 4; depth++) {
        struct explore_result r = explore(
            &p, (struct explore_options){
                    .strategy = "pct", .depth = depth, .seed = 1, .all = true, .max_executions = 200});
        double bound = 1.0 / 3;
        char claim[256];
        for (unsigned i = 1; i < depth; i++)
            bound /= (double)r.max_depth;
        snprintf(claim, sizeof claim,
                 "200 executions sampled (pct, depth %u, seed 1), each meets a bug of that depth with "
                 "probability >= %.1e",
                 depth, bound);
        assert_string_equal(r.claim, claim);
        explore_free(&r);
    }
}

/* ---- replay ---- */

static enum machine_stop replay(const struct sim_program *p, struct decision *d, size_t n,
                                bool tolerant, struct error *e)
{
    struct sim *s = sim_create(p);
    struct subject subject = sim_subject(s);
    *e = (struct error){0};
    enum machine_stop stop = explore_replay(&subject, &(struct schedule){d, n, n}, tolerant, e);
    sim_destroy(s);
    return stop;
}

static void strict_replay_accepts_only_what_fits(void **state)
{
    static const struct sim_op a[] = {
        {SIM_CHOOSE, .r = 0, .imm = 3}, {SIM_STORER, .r = 0, .var = 0}, END};
    static const struct sim_op b[] = {STORE(0, 7), END};
    struct sim_program p = two(a, b, 1);
    struct error e;
    (void)state;
    struct decision good[] = {{0, 0, 0}, {1, 0, 2}, {0, 1, 0}, {0, 0, 0}};
    assert_int_equal(replay(&p, good, 4, false, &e), STOP_END);
    assert_int_equal(e.kind, ERROR_NONE);

    assert_int_equal(replay(&p, good, 3, false, &e), STOP_NONE);
    assert_string_equal(
        e.text,
        "the schedule does not fit this run: decision 4 is missing: the run goes on behind the "
        "schedule's end");
    struct decision disabled[] = {{0, 1, 0}, {0, 1, 0}};
    assert_int_equal(replay(&p, disabled, 2, false, &e), STOP_NONE);
    assert_string_equal(
        e.text,
        "the schedule does not fit this run: decision 2 steps an agent that is not enabled");
    struct decision no_answer[] = {{0, 0, 0}, {0, 1, 0}};
    assert_int_equal(replay(&p, no_answer, 2, false, &e), STOP_NONE);
    assert_string_equal(e.text, "the schedule does not fit this run: decision 2 does not answer "
                                "the question that was asked");
    struct decision large[] = {{0, 0, 0}, {1, 0, 3}};
    assert_int_equal(replay(&p, large, 2, false, &e), STOP_NONE);
    struct decision extra[] = {{0, 1, 0}, {1, 1, 0}};
    assert_int_equal(replay(&p, extra, 2, false, &e), STOP_NONE);
    assert_string_equal(
        e.text,
        "the schedule does not fit this run: decision 2 answers a question that was not asked");
}

static void tolerant_replay_goes_on_behind_the_end(void **state)
{
    static const struct sim_op a[] = {
        {SIM_CHOOSE, .r = 0, .imm = 3}, {SIM_STORER, .r = 0, .var = 0}, END};
    static const struct sim_op b[] = {STORE(0, 7), END};
    struct sim_program p = two(a, b, 1);
    struct error e;
    (void)state;
    struct decision odd[] = {{0, 1, 0}, {0, 1, 0}, {1, 0, 9}, {0, 0, 0}};
    assert_int_equal(replay(&p, odd, 4, true, &e), STOP_END);
    assert_int_equal(replay(&p, NULL, 0, true, &e), STOP_END);
    assert_int_equal(e.kind, ERROR_NONE);
}

/* ---- minimisation ---- */

static unsigned switches_of(const struct schedule *s)
{
    unsigned switches = 0;
    int last = -1;
    for (size_t i = 0; i < s->count; i++)
        if (!s->data[i].is_choice) {
            switches += last >= 0 && last != s->data[i].agent;
            last = s->data[i].agent;
        }
    return switches;
}

/* A violation met at random, made small, keeps its key and has so many switches and steps. */
static void expect_minimum(const struct sim_program *p, uint64_t seed, unsigned switches,
                           unsigned steps)
{
    struct sim *s = sim_create(p);
    struct subject subject = sim_subject(s);
    struct explore_options o = {.strategy = "random", .seed = seed, .max_executions = 10000};
    struct explore_result r;
    struct error e = {0};
    char key[64];
    assert_true(explore_run(&subject, &o, &r, &e));
    assert_int_equal(r.violation_count, 1);
    struct schedule *schedule = &r.violations[0].schedule;
    struct hash128 before = subject.state(subject.context);
    explore_minimise(&subject, schedule, r.violations[0].key, 400);
    assert_true(hash_equal(before, subject.state(subject.context)));
    if (switches_of(schedule) != switches || schedule->count != steps)
        fail_msg("seed %llu: %u switches and %zu steps instead of %u and %u",
                 (unsigned long long)seed, switches_of(schedule), schedule->count, switches, steps);
    assert_int_equal(explore_replay(&subject, schedule, false, &e), STOP_VIOLATION);
    subject.violation_key(subject.context, key, sizeof key);
    assert_string_equal(key, r.violations[0].key);
    explore_free(&r);
    sim_destroy(s);
}

static void minimising_reaches_the_known_minimum_of_planted_bugs(void **state)
{
    struct sim_program p;
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        /* By hand. bluetooth: the client tests `stopping` (1); the stopper runs through (5:
         * stopping, decrement to zero, event, wait, stopped); the client increments and finds it
         * stopped (2). */
        sim_bluetooth(&p, 1, true);
        expect_minimum(&p, seed, 2, 8);
        /* Other clients need not run at all. */
        sim_bluetooth(&p, 3, true);
        expect_minimum(&p, seed, 2, 8);
        /* rundown with one client: gone? and decrement and event (3), unloader (2), gone? (1). */
        sim_rundown(&p, 1, true);
        expect_minimum(&p, seed, 2, 6);
        /* With three, all have to count down first (2 + 2 + 3), then the unloader (2), then the
         * victim (1). */
        sim_rundown(&p, 3, true);
        expect_minimum(&p, seed, 4, 10);
        /* remlock: the client acquires, looks and releases (4), the remover need not wait (5), the
         * client looks (1). */
        sim_remlock(&p, 1, true);
        expect_minimum(&p, seed, 2, 10);
        sim_remlock(&p, 3, true);
        expect_minimum(&p, seed, 2, 10);
    }
}

/* Seven orders by the faculty before the search comes back to its first step, which alone hides the bug. */
static struct sim_program late_bug(void)
{
    static const struct sim_op first[] = {STORE(0, 1), END}, add[] = {ADD(0, 1, 1), END},
                               last[] = {LOAD(0, 0), CHECKZ(0), END};
    struct sim_program p = {.threads = 9, .vars = 2, .code = {first}};
    for (unsigned t = 1; t < 8; t++)
        p.code[t] = add;
    p.code[8] = last;
    return p;
}

static void a_burst_finds_what_a_long_search_comes_to_late(void **state)
{
    struct sim_program p = late_bug();
    (void)state;
    struct explore_result without = explore(&p, (struct explore_options){0});
    assert_int_equal(without.violation_count, 1);
    assert_null(without.found_by);
    assert_true(without.executions > 5000);
    struct explore_result with = explore(&p, (struct explore_options){.burst = true});
    assert_int_equal(with.violation_count, 1);
    assert_string_equal(with.violations[0].key, without.violations[0].key);
    assert_string_equal(with.found_by, "dpor; found in a burst of pct, depth 2");
    assert_int_equal(with.executions, 2000);
    assert_true(with.to_first > 2000 && with.to_first <= 2300);
    /* The same every time. */
    struct explore_result again = explore(&p, (struct explore_options){.burst = true});
    assert_int_equal(again.to_first, with.to_first);
    explore_free(&without);
    explore_free(&with);
    explore_free(&again);
}

static void a_burst_that_finds_nothing_leaves_the_search_as_it_is(void **state)
{
    struct sim_program p;
    (void)state;
    sim_incn(&p, 7);
    struct explore_result r = explore(&p, (struct explore_options){.burst = true});
    assert_int_equal(r.executions, 5040);
    assert_true(r.sampled >= 600);
    assert_true(r.complete);
    assert_null(r.found_by);
    explore_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bluetooth_has_its_number_of_traces),
        cmocka_unit_test(remlock_has_its_number_of_traces),
        cmocka_unit_test(rundown_has_n_factorial_traces),
        cmocka_unit_test(last_zero_has_its_number_of_traces),
        cmocka_unit_test(readers_have_two_to_the_n_traces),
        cmocka_unit_test(increments_have_n_factorial_traces),
        cmocka_unit_test(indexer_has_its_number_of_traces),
        cmocka_unit_test(planted_bugs_are_found_within_four_executions),
        cmocka_unit_test(independent_threads_need_one_execution),
        cmocka_unit_test(loads_of_one_location_commute),
        cmocka_unit_test(additions_that_nobody_looks_at_commute),
        cmocka_unit_test(an_addition_conflicts_with_other_accesses),
        cmocka_unit_test(a_sleeping_agent_is_not_explored_twice),
        cmocka_unit_test(choices_are_explored_with_every_answer),
        cmocka_unit_test(a_choice_in_the_last_enabled_thread_is_explored),
        cmocka_unit_test(a_violation_behind_one_answer_is_found),
        cmocka_unit_test(a_lock_order_inversion_hangs),
        cmocka_unit_test(a_violation_does_not_hide_what_others_would_have_done),
        cmocka_unit_test(equal_violations_are_counted_once_each),
        cmocka_unit_test(cancelling_conflicts_with_what_it_cancels),
        cmocka_unit_test(growth_starts_again_and_finds_what_private_steps_hid),
        cmocka_unit_test(a_violation_ends_exploration_even_when_the_shared_set_grew),
        cmocka_unit_test(the_step_limit_cancels_the_claim),
        cmocka_unit_test(a_limit_on_executions_cancels_the_claim),
        cmocka_unit_test(a_time_limit_cancels_the_claim),
        cmocka_unit_test(what_is_not_implemented_ends_exploration),
        cmocka_unit_test(a_subject_that_breaks_the_model_gets_no_claim),
        cmocka_unit_test(progress_is_reported_about_twice_a_second),
        cmocka_unit_test(progress_says_how_deep_how_much_is_known_to_be_left_and_what_share_is_done),
        cmocka_unit_test(the_estimate_is_close_where_nothing_turns_up_late),
        cmocka_unit_test(an_unknown_strategy_is_refused_by_name),
        cmocka_unit_test(equal_seeds_give_equal_executions),
        cmocka_unit_test(random_needs_a_limit),
        cmocka_unit_test(bounds_are_explored_in_order_and_claimed),
        cmocka_unit_test(a_bound_that_no_execution_reaches_gives_every_interleaving),
        cmocka_unit_test(every_bug_of_depth_two_is_found_by_pct),
        cmocka_unit_test(every_planted_bug_is_found_by_partial_order_sampling),
        cmocka_unit_test(pct_claims_the_probability_that_its_paper_guarantees),
        cmocka_unit_test(pct_claims_no_more_than_its_paper),
        cmocka_unit_test(strict_replay_accepts_only_what_fits),
        cmocka_unit_test(tolerant_replay_goes_on_behind_the_end),
        cmocka_unit_test(minimising_reaches_the_known_minimum_of_planted_bugs),
        cmocka_unit_test(a_burst_finds_what_a_long_search_comes_to_late),
        cmocka_unit_test(a_burst_that_finds_nothing_leaves_the_search_as_it_is),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
