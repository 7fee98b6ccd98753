/*
 * Counting: instructions retired at every kind of exit, limits, and running one instruction at a
 * time.
 */
#include <stdio.h>
#include <string.h>

#include "abi/shadow.h"
#include "tests/isa/support/code.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define RIP_OFFSET ((unsigned)(world.cpu.regs.rip - WINDOW_GUEST))
#define GPR(r) world.cpu.regs.gpr[REG_##r]

CODE(count, "mov ecx, 1000\n mov eax, 0\n 1: add eax, 1\n jmp 2f\n 2: sub ecx, 1\n jnz 1b\n hlt");
#define COUNT_TOTAL (2 + 4 * 1000 + 1)

/* Instructions that `count` has executed, told from its registers and place. */
static uint64_t count_executed(void)
{
    unsigned rip = RIP_OFFSET;
    uint64_t eax = GPR(RAX), ecx = GPR(RCX);
    if (rip == 0)
        return 0;
    if (rip == 5)
        return 1;
    if (rip == 10)
        return 2 + 4 * eax;
    if (rip == 13)
        return 2 + 4 * (eax - 1) + 1;
    if (rip == 15)
        return 2 + 4 * (eax - 1) + 2;
    if (rip == 18)
        return 2 + 4 * (1000 - ecx - 1) + 3;
    if (rip == 20)
        return COUNT_TOTAL - 1;
    return COUNT_TOTAL;
}

static void test_limits(unsigned features, const char *mode)
{
    world_set_features(features);
    tap_begin();
    world_start(CODE_BYTES(count));
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(world.cpu.retired, COUNT_TOTAL);
    tap_end("a run counts every instruction, %s", mode);

    tap_begin();
    unsigned far_off = 0;
    for (uint64_t limit = 1; limit < 200; limit++) {
        world_start(CODE_BYTES(count));
        struct dbt_exit x = dbt_run(world.dbt, &world.cpu, limit);
        if (!EQUAL(x.reason, DBT_BUDGET) || !EQUAL(world.cpu.retired, count_executed())) {
            tap_note("  limit %llu", (unsigned long long)limit);
            break;
        }
        if (world.cpu.retired + 8 < limit || world.cpu.retired > limit + 8)
            far_off++;
        if (!CHECK(world.cpu.retired > 0 || limit < 8))
            break;
    }
    EQUAL(far_off, 0);
    tap_end("a limit stops a run within a block of it, with the exact count, %s", mode);

    tap_begin();
    for (uint64_t step = 1; step < 100; step += 7) {
        world_start(CODE_BYTES(count));
        unsigned stops = 0;
        struct dbt_exit x;
        uint64_t limit = 0;
        do {
            limit = (limit > world.cpu.retired ? limit : world.cpu.retired) + step;
            x = dbt_run(world.dbt, &world.cpu, limit);
        } while (x.reason == DBT_BUDGET && EQUAL(world.cpu.retired, count_executed()) &&
                 ++stops < 20000);
        if (!EQUAL(x.reason, DBT_HALT) || !EQUAL(world.cpu.retired, COUNT_TOTAL) ||
            !EQUAL(GPR(RAX), 1000)) {
            tap_note("  in steps of %llu", (unsigned long long)step);
            break;
        }
    }
    tap_end("a run in many limited pieces is the run in one piece, %s", mode);

    tap_begin();
    world_start(CODE_BYTES(count));
    world.cpu.retired = 500;
    struct dbt_exit x = dbt_run(world.dbt, &world.cpu, 500);
    EQUAL(x.reason, DBT_BUDGET);
    EQUAL(world.cpu.retired, 500);
    EQUAL(RIP_OFFSET, 0);
    tap_end("a limit that is already reached executes nothing, %s", mode);
}

CODE(straight, ".rept 200\n inc rax\n .endr\n hlt");
static void test_long_block(void)
{
    tap_begin();
    for (uint64_t limit = 1; limit < 200; limit += 13) {
        world_start(CODE_BYTES(straight));
        GPR(RAX) = 0;
        struct dbt_exit x = dbt_run(world.dbt, &world.cpu, limit);
        CHECK(x.reason == DBT_BUDGET || x.reason == DBT_HALT);
        EQUAL(world.cpu.retired, GPR(RAX) + (x.reason == DBT_HALT));
        EQUAL(RIP_OFFSET, GPR(RAX) * 3 + (x.reason == DBT_HALT));
    }
    tap_end("limits inside straight code give exact counts");
}

CODE(stop_bad, "inc rax\n inc rax\n mov rdx, [rcx]\n inc rax\n hlt");
CODE(stop_divide, "inc rbx\n inc rbx\n div rcx\n inc rbx\n hlt");
CODE(stop_cross, "inc rbx\n inc rbx\n jmp rcx");
CODE(stop_int3, "inc rbx\n inc rbx\n int3");

static void test_exits(void)
{
    static const struct {
        const uint8_t *start, *end;
        gva_t rcx;
        enum dbt_exit_reason reason;
        unsigned count;
        const char *name;
    } rows[] = {
        {code_stop_bad, code_stop_bad_end, 0, DBT_BAD_ACCESS, 2, "a bad access does not count"},
        {code_stop_divide, code_stop_divide_end, 0, DBT_EXCEPTION, 2,
         "a faulting division does not count"},
        {code_stop_cross, code_stop_cross_end, WINDOW_GUEST + EXIT_OFFSET, DBT_CROSS, 3,
         "a jump out counts"}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_begin();
        world_start(rows[i].start, (unsigned)(rows[i].end - rows[i].start));
        GPR(RCX) = rows[i].rcx;
        enum dbt_exit_reason reason = world_run().reason;
        EQUAL(reason == DBT_FAULT ? DBT_BAD_ACCESS : reason, rows[i].reason);
        EQUAL(world.cpu.retired, rows[i].count);
        tap_end("%s as retired", rows[i].name);
    }
    tap_begin();
    world_start(CODE_BYTES(stop_int3));
    EQUAL(world_run().reason, DBT_EXCEPTION);
    CHECK(world.cpu.retired == 2 || world.cpu.retired == 3);
    tap_end("int3 counts at most itself");
}

static void test_one(unsigned features, const char *mode)
{
    world_set_features(features);
    tap_begin();
    world_start(CODE_BYTES(count));
    for (uint64_t n = 1; n < 100; n++) {
        struct dbt_exit x = dbt_run_one(world.dbt, &world.cpu);
        if (!EQUAL(x.reason, DBT_ONE) || !EQUAL(world.cpu.retired, n) ||
            !EQUAL(count_executed(), n))
            break;
    }
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(world.cpu.retired, COUNT_TOTAL);
    EQUAL(GPR(RAX), 1000);
    tap_end("one instruction at a time is one instruction, and a run goes on from there, %s", mode);
}

CODE(one_halt, "hlt\n nop");
CODE(one_bad, "mov rdx, [rcx]\n hlt");
CODE(one_ud, "ud2\n hlt");
CODE(one_cross, "call rcx\n hlt");
static void test_one_exits(void)
{
    tap_begin();
    world_start(CODE_BYTES(one_halt));
    EQUAL(dbt_run_one(world.dbt, &world.cpu).reason, DBT_HALT);
    EQUAL(RIP_OFFSET, 1);
    world_start(CODE_BYTES(one_bad));
    GPR(RCX) = 0x10;
    struct dbt_exit x = dbt_run_one(world.dbt, &world.cpu);
    CHECK(x.reason == DBT_BAD_ACCESS || x.reason == DBT_FAULT);
    EQUAL(x.address, 0x10);
    EQUAL(RIP_OFFSET, 0);
    world_start(CODE_BYTES(one_ud));
    x = dbt_run_one(world.dbt, &world.cpu);
    EQUAL(x.reason, DBT_EXCEPTION);
    EQUAL(x.vector, 6);
    EQUAL(RIP_OFFSET, 0);
    tap_end("one instruction halts, is stopped and raises exceptions like many");

    tap_begin();
    world_start(CODE_BYTES(one_cross));
    GPR(RCX) = WINDOW_GUEST + EXIT_OFFSET;
    x = dbt_run_one(world.dbt, &world.cpu);
    EQUAL(x.reason, DBT_CROSS);
    EQUAL(x.from, WINDOW_GUEST);
    EQUAL(RIP_OFFSET, EXIT_OFFSET);
    EQUAL(world.cpu.retired, 1);
    tap_end("one instruction that leaves its image says so");
}

static void test_two_processors(void)
{
    tap_begin();
    world_start(CODE_BYTES(count));
    struct vcpu a = world.cpu, b = world.cpu;
    b.number = 1;
    memset(a.regs.ymm, 0xAA, sizeof a.regs.ymm);
    memset(b.regs.ymm, 0xBB, sizeof b.regs.ymm);
    struct dbt_exit xa, xb;
    do {
        xa = dbt_run(world.dbt, &a, a.retired + 17);
        xb = dbt_run(world.dbt, &b, b.retired + 17);
    } while (xa.reason == DBT_BUDGET && xb.reason == DBT_BUDGET);
    EQUAL(xa.reason, DBT_HALT);
    EQUAL(xb.reason, DBT_HALT);
    EQUAL(a.retired, COUNT_TOTAL);
    EQUAL(b.retired, COUNT_TOTAL);
    EQUAL(a.regs.ymm[7][9], 0xAA);
    EQUAL(b.regs.ymm[7][9], 0xBB);
    EQUAL(memcmp(a.regs.gpr, b.regs.gpr, sizeof a.regs.gpr), 0);
    tap_end("two processors take turns in the same code");
}

int main(void)
{
    world_open(DBT_BUDGETS);
    test_limits(DBT_BUDGETS, "budgets alone");
    test_limits(WORLD_CHECKED, "all checks");
    test_limits(WORLD_ALL, "all instrumentation");
    test_long_block();
    test_exits();
    test_one(WORLD_CHECKED, "all checks");
    test_one(WORLD_ALL, "all instrumentation");
    test_one_exits();
    test_two_processors();
    world_close();
    return tap_finish();
}
