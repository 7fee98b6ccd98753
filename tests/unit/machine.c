/*
 * Steps, sharing, waiting, interrupts and images, on a miniature kernel and driver (machine_guest/) whose every
 * step can be predicted by reading them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "machine/arena.h"
#include "machine/dbt/dbt.h"
#include "machine/machine.h"

static struct file_data kernel_file, driver_file;
static struct machine *m;
static struct machine_file driver;

static void judge(void *context, const struct machine *machine, const struct trouble *t, struct violation *out)
{
    (void)context;
    (void)machine;
    out->code = (uint32_t)t->kind;
}

static uint32_t chosen;
static uint32_t choose(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    (void)context;
    (void)agent;
    (void)kind;
    assert_int_equal(n, 3);
    return chosen;
}

/* Boots test `number` up to the point where processors 1 and 2 are about to run their routines. */
static void boot(uint32_t number)
{
    struct rd_loader_block block = {.magic = RD_LOADER_MAGIC, .version = RD_ABI_VERSION, .os = number};
    driver = (struct machine_file){"driver.sys", driver_file.data, driver_file.size, "driver.sys"};
    struct machine_config c = {
        .kernel = {"ntoskrnl.exe", kernel_file.data, kernel_file.size, "kernel"},
        .hal = {"hal.dll", driver_file.data, driver_file.size, "hal"},
        .drivers = &driver,
        .driver_count = 1,
        .loader_block = &block,
        .loader_size = sizeof block,
        .checks = DBT_SHADOW | DBT_DIRTY | DBT_BUDGETS,
        .step_budget = 1000000,
        .observer = {.judge = judge},
        .decider = {.choose = choose},
    };
    struct error e = {0};
    m = machine_create(&c, &e);
    if (m == NULL)
        fail_msg("%s", e.text);
    if (!machine_boot(m, &e))
        fail_msg("%s", e.text);
    machine_set_sharing(m, true);
    machine_begin_execution(m);
}

static int down(void **state)
{
    (void)state;
    machine_destroy(m);
    m = NULL;
    return 0;
}

/* The lowest enabled agent until nothing can move. Returns the steps taken. */
static unsigned run_out(void)
{
    unsigned steps = 0;
    for (uint64_t e; (e = machine_enabled(m)) != 0; steps++) {
        assert_true(steps < 200);
        if (machine_step(m, (unsigned)__builtin_ctzll(e)).stop != STOP_NONE)
            break;
    }
    return steps;
}

/* Executes from `root` until the shared set is stable, as an explorer does. */
static void settle(unsigned root)
{
    for (int i = 0; i < 10; i++) {
        run_out();
        machine_restore(m, root);
        if (!machine_sharing_grew(m))
            return;
        machine_begin_execution(m);
    }
    fail_msg("the shared set does not settle");
}

static uint64_t counter(void)
{
    const struct machine_image *i = machine_image(m, 2);
    for (gva_t a = i->base; a < i->base + i->size; a += 8) {
        uint64_t p = 0, value = 0;
        /* CounterAddress is the only relocated pointer into the image's own writable data. */
        if (arena_read(a, &p, 8) && p > i->base && p < i->base + i->size && arena_read(p, &value, 8) &&
            (p & 7) == 0 && a > i->base + 0x1000)
            return value;
    }
    return ~0ull;
}

static void boot_processor_first(void)
{
    while (machine_enabled(m) & 1)
        assert_int_equal(machine_step(m, 0).stop, STOP_NONE);
}

static void a_step_of_a_driver_ends_behind_each_shared_access(void **state)
{
    (void)state;
    boot(1);
    unsigned root = machine_push(m);
    settle(root);
    boot_processor_first();
    /* Load by 1, load and store by 2, store by 1: the update of 2 is lost. */
    assert_int_equal(machine_step(m, 1).stop, STOP_NONE);
    assert_int_equal(machine_step(m, 2).stop, STOP_NONE);
    assert_int_equal(machine_step(m, 2).stop, STOP_NONE);
    assert_int_equal(counter(), 1);
    assert_int_equal(machine_step(m, 1).stop, STOP_NONE);
    assert_int_equal(counter(), 1);
    /* And without preemption it is not. */
    machine_restore(m, root);
    boot_processor_first();
    machine_step(m, 1);
    machine_step(m, 1);
    machine_step(m, 2);
    machine_step(m, 2);
    assert_int_equal(counter(), 2);
}

static void private_accesses_end_no_step(void **state)
{
    (void)state;
    boot(11);
    unsigned root = machine_push(m);
    settle(root);
    boot_processor_first();
    machine_step(m, 1);
    assert_int_equal(machine_cpu(m, 1)->state, VCPU_HALTED);
}

static void a_step_ends_behind_a_kernel_call_only_when_it_touched_shared_state(void **state)
{
    (void)state;
    boot(2);
    unsigned root = machine_push(m);
    settle(root);
    boot_processor_first();
    struct step_result s = machine_step(m, 1); /* Nothing, Touch */
    assert_int_equal(machine_cpu(m, 1)->state, VCPU_RUNNING);
    unsigned memory = 0;
    for (unsigned i = 0; i < s.footprint_count; i++)
        memory += s.footprint[i].key >> 60 == 0xF && s.footprint[i].access != ACCESS_READ;
    assert_int_equal(memory, 1);
    machine_step(m, 1); /* Nothing, return, halt */
    assert_int_equal(machine_cpu(m, 1)->state, VCPU_HALTED);
}

static void nolog_code_is_independent_of_itself(void **state)
{
    (void)state;
    boot(3);
    unsigned root = machine_push(m);
    settle(root);
    uint64_t *granules;
    assert_int_equal(machine_share_list(m, &granules), 0);
    free(granules);
}

static void a_spinning_processor_is_disabled_until_the_lock_changes(void **state)
{
    (void)state;
    boot(4);
    unsigned root = machine_push(m);
    settle(root);
    boot_processor_first();
    machine_step(m, 1); /* takes the lock */
    machine_step(m, 2); /* spins */
    assert_int_equal(machine_cpu(m, 2)->state, VCPU_AWAIT);
    assert_int_equal(machine_enabled(m) & 4, 0);
    while (machine_cpu(m, 1)->state == VCPU_RUNNING && !(machine_enabled(m) & 4))
        machine_step(m, 1);
    assert_int_equal(machine_enabled(m) & 4, 4);
    run_out();
    assert_int_equal(counter(), 2);
}

static void executing_in_an_unloaded_image_stops_the_run_at_the_next_instruction(void **state)
{
    (void)state;
    boot(5);
    unsigned root = machine_push(m);
    settle(root);
    boot_processor_first();
    while (machine_step(m, 2).stop == STOP_NONE) /* until it returns into what it unloaded itself */
        assert_int_equal(machine_cpu(m, 2)->state, VCPU_RUNNING);
    const struct violation *v = machine_violation(m);
    assert_non_null(v);
    assert_int_equal(v->trouble.kind, TROUBLE_EXECUTE);
    assert_false(machine_image_at(m, v->trouble.address)->loaded);
}

static void a_polling_loop_blocks_until_what_it_reads_changes(void **state)
{
    (void)state;
    boot(6);
    unsigned root = machine_push(m);
    settle(root);
    boot_processor_first();
    unsigned steps = 0;
    while (machine_enabled(m) & 2) {
        machine_step(m, 1);
        assert_true(++steps < 10);
    }
    assert_int_equal(machine_cpu(m, 1)->state, VCPU_AWAIT);
    while (machine_enabled(m) & 4)
        machine_step(m, 2);
    assert_int_equal(machine_enabled(m) & 2, 2);
    run_out();
    assert_int_equal(machine_cpu(m, 1)->state, VCPU_HALTED);
    assert_int_equal(machine_quiescent(m), STOP_END);
}

static void a_loop_that_nobody_ends_is_a_hang(void **state)
{
    (void)state;
    boot(12);
    run_out();
    assert_int_equal(machine_quiescent(m), STOP_VIOLATION);
    assert_int_equal(machine_violation(m)->trouble.kind, TROUBLE_HANG);
}

/* Runs processor 1 until it stops the run. */
static const struct violation *run_into_violation(void)
{
    while (machine_step(m, 1).stop == STOP_NONE)
        ;
    assert_non_null(machine_violation(m));
    return machine_violation(m);
}

static void notes_of_the_kernel_belong_to_the_bugcheck_that_follows(void **state)
{
    (void)state;
    boot(13);
    boot_processor_first();
    const struct violation *v = run_into_violation();
    assert_int_equal(v->trouble.code, 0x20);
    assert_int_equal(v->note_count, 2);
    assert_int_equal(v->notes[0].kind, NOTE_LOG);
    assert_string_equal(v->notes[0].text, "an entry of a log");
    assert_int_equal(v->notes[0].kthread, 0xFFFFFA8000000040ull);
    assert_int_equal(v->notes[0].count, 3);
    assert_int_equal(v->note_frames[v->notes[0].first + 2], 0xFFFFF80000A00002ull);
    assert_string_equal(v->notes[1].text, "a line ? of text");
}

static void notes_of_a_step_that_goes_on_are_dropped(void **state)
{
    (void)state;
    boot(14);
    boot_processor_first();
    assert_int_equal(run_into_violation()->note_count, 0);
}

static void notes_that_do_not_fit_are_counted(void **state)
{
    (void)state;
    static struct violation v;
    uint64_t frames[VIOLATION_NOTE_STACK + 1] = {1, 2, 3};
    for (int i = 0; i < VIOLATION_NOTES + 5; i++)
        violation_note(&v, NOTE_STACK | NOTE_BLAME, NOTE_NOBODY, frames, i == 0 ? VIOLATION_NOTE_STACK + 1 : 2, "%d", i);
    assert_int_equal(v.note_count, VIOLATION_NOTES);
    assert_int_equal(v.notes_dropped, 5);
    assert_int_equal(v.notes[0].count, VIOLATION_NOTE_STACK);
    assert_int_equal(v.notes[1].first, VIOLATION_NOTE_STACK);
    assert_int_equal(v.notes[1].flags, NOTE_BLAME);
    assert_string_equal(v.notes[VIOLATION_NOTES - 1].text, "191");
}

static void an_armed_timer_enables_the_clock_processor(void **state)
{
    (void)state;
    boot(7);
    unsigned root = machine_push(m);
    settle(root);
    boot_processor_first();
    assert_int_equal(machine_enabled(m) & 1, 0);
    machine_step(m, 1);
    assert_int_equal(machine_enabled(m) & 1, 1);
    assert_int_equal(machine_step(m, 0).stop, STOP_NONE);
    assert_int_equal(machine_enabled(m) & 1, 0);
}

static void an_interrupt_to_a_running_processor_arrives_as_a_step_of_its_own(void **state)
{
    (void)state;
    boot(8);
    unsigned root = machine_push(m);
    settle(root);
    boot_processor_first();
    machine_step(m, 2); /* sends; 1 has not begun, so it is running */
    assert_true(machine_enabled(m) >> AGENT_ARRIVAL & 2);
    machine_step(m, AGENT_ARRIVAL + 1);
    run_out();
    assert_int_equal(counter(), 1); /* taken before its first instruction */
    machine_restore(m, root);
    boot_processor_first();
    while (machine_cpu(m, 1)->state == VCPU_RUNNING)
        machine_step(m, 1);
    run_out();
    assert_int_equal(counter(), 0);
}

/* The kernel's handler goes on behind the instruction; the driver then stores vector, address and error code. */
static void exception_of(uint32_t number, uint64_t seen)
{
    boot(number);
    run_out();
    assert_null(machine_violation(m));
    assert_int_equal(counter(), seen);
}

static void a_read_of_a_user_address_enters_the_kernel_with_a_frame(void **state)
{
    (void)state;
    exception_of(17, 14ull << 32 | 0x10000);
}

static void a_write_says_so_in_its_error_code(void **state)
{
    (void)state;
    exception_of(18, 14ull << 32 | 0x20000 | 2);
}

static void a_division_by_zero_has_a_vector_of_its_own(void **state)
{
    (void)state;
    exception_of(19, 0);
}

static void a_user_address_at_raised_irql_is_a_violation_at_once(void **state)
{
    (void)state;
    boot(20);
    run_out();
    assert_non_null(machine_violation(m));
    assert_int_equal(machine_violation(m)->trouble.address, 0x10000);
}

static void the_decider_answers_choices(void **state)
{
    (void)state;
    boot(9);
    unsigned root = machine_push(m);
    for (chosen = 0; chosen < 3; chosen++) {
        run_out();
        assert_int_equal(counter(), chosen);
        machine_restore(m, root);
    }
    chosen = 0;
}

static void a_missing_import_stops_the_run_with_its_name(void **state)
{
    (void)state;
    boot(10);
    run_out();
    assert_int_equal(machine_error(m)->kind, ERROR_UNIMPLEMENTED);
    assert_non_null(strstr(machine_error(m)->text, "NobodyExportsThis"));
    assert_non_null(strstr(machine_error(m)->text, "driver.sys"));
}

static void equal_decisions_reach_equal_states_and_traces(void **state)
{
    (void)state;
    boot(4);
    unsigned root = machine_push(m);
    settle(root);
    run_out();
    struct hash128 memory = machine_state_hash(m), trace = machine_trace_hash(m);
    machine_restore(m, root);
    run_out();
    assert_true(hash_equal(memory, machine_state_hash(m)));
    assert_true(hash_equal(trace, machine_trace_hash(m)));
}

#define T(f) cmocka_unit_test_teardown(f, down)
int main(void)
{
    struct error e = {0};
    if (!file_read(MACHINE_GUEST "/kernel.exe", 1 << 20, &kernel_file, &e) ||
        !file_read(MACHINE_GUEST "/driver.sys", 1 << 20, &driver_file, &e)) {
        print_error("%s\n", e.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        T(a_step_of_a_driver_ends_behind_each_shared_access),
        T(private_accesses_end_no_step),
        T(a_step_ends_behind_a_kernel_call_only_when_it_touched_shared_state),
        T(nolog_code_is_independent_of_itself),
        T(a_spinning_processor_is_disabled_until_the_lock_changes),
        T(executing_in_an_unloaded_image_stops_the_run_at_the_next_instruction),
        T(a_polling_loop_blocks_until_what_it_reads_changes),
        T(a_loop_that_nobody_ends_is_a_hang),
        T(notes_of_the_kernel_belong_to_the_bugcheck_that_follows),
        T(notes_of_a_step_that_goes_on_are_dropped),
        cmocka_unit_test(notes_that_do_not_fit_are_counted),
        T(an_armed_timer_enables_the_clock_processor),
        T(an_interrupt_to_a_running_processor_arrives_as_a_step_of_its_own),
        T(a_read_of_a_user_address_enters_the_kernel_with_a_frame),
        T(a_write_says_so_in_its_error_code),
        T(a_division_by_zero_has_a_vector_of_its_own),
        T(a_user_address_at_raised_irql_is_a_violation_at_once),
        T(the_decider_answers_choices),
        T(a_missing_import_stops_the_run_with_its_name),
        T(equal_decisions_reach_equal_states_and_traces),
    };
    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
