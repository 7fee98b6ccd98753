/*
 * The code cache: blocks that were linked or looked up must follow when code is replaced, unloaded
 * or reclassified; coverage counts block starts.
 */
#include <stdio.h>
#include <string.h>

#include "tests/isa/support/code.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define RIP_OFFSET ((unsigned)(world.cpu.regs.rip - WINDOW_GUEST))
#define GPR(r) world.cpu.regs.gpr[REG_##r]

/* A caller at 0 and a callee at 0x800 that loads a number. */
CODE(direct, ".byte 0xE9\n .long 0x800-5\n");
CODE(conditional, "cmp eax, eax\n .byte 0x0F, 0x84\n .long 0x800-8\n hlt");
CODE(call, ".byte 0xE8\n .long 0x800-5\n hlt");
CODE(indirect, "lea rax, [rip+0x800-7]\n jmp rax\n");
CODE(indirect_call, "lea rax, [rip+0x800-7]\n call rax\n hlt");
CODE(returns, "lea rax, [rip+0x800-7]\n push rax\n ret");
CODE(falls, ".fill 0x800, 1, 0x90");
CODE(in_loop, "mov ecx, 3\n 1: sub ecx, 1\n js 2f\n .byte 0xE8\n .long 0x800-15\n jmp 1b\n"
              "2: hlt");

static const struct {
    const uint8_t *start, *end;
    const char *name;
    bool returns;
} callers[] = {
    {code_direct, code_direct_end, "a direct jump", false},
    {code_conditional, code_conditional_end, "a conditional jump", false},
    {code_call, code_call_end, "a call", true},
    {code_indirect, code_indirect_end, "an indirect jump", false},
    {code_indirect_call, code_indirect_call_end, "an indirect call", true},
    {code_returns, code_returns_end, "a return", false},
    {code_falls, code_falls_end, "straight code", false},
    {code_in_loop, code_in_loop_end, "a call in a loop", true},
};

static void write_callee(bool returns, uint8_t number)
{
    uint8_t code[6] = {0xBB, number, 0,
                       0,    0,      returns ? 0xC3 : 0xF4}; /* mov ebx, number; ret or hlt */
    world_write_code(0x800, code, sizeof code);
}

static struct dbt_exit run_again(void)
{
    world_reset_cpu(CODE_OFFSET);
    GPR(RBX) = 0;
    return world_run();
}

static void test_callers(unsigned features, const char *mode)
{
    world_set_features(features);
    for (unsigned i = 0; i < sizeof callers / sizeof *callers; i++) {
        tap_begin();
        world_write_code(0, callers[i].start, (unsigned)(callers[i].end - callers[i].start));
        write_callee(callers[i].returns, 1);
        for (unsigned n = 1; n <= 4; n++) {
            for (unsigned repeat = 0; repeat < 3; repeat++) {
                EQUAL(run_again().reason, DBT_HALT);
                EQUAL(GPR(RBX), n);
            }
            write_callee(callers[i].returns, (uint8_t)(n + 1));
        }
        tap_end("%s finds replaced code, %s", callers[i].name, mode);

        tap_begin();
        write_callee(callers[i].returns, 1);
        for (unsigned repeat = 0; repeat < 3; repeat++)
            EQUAL(run_again().reason, DBT_HALT);
        /* The callee's code range is gone: an unloaded image. */
        struct code_range whole = world.ranges[0];
        world.ranges[0].end = world_guest(0x800);
        dbt_invalidate(world.dbt, world_guest(0x800), whole.end);
        struct dbt_exit x = run_again();
        EQUAL(x.reason, DBT_CROSS);
        EQUAL(RIP_OFFSET, 0x800);
        EQUAL(GPR(RBX), 0);
        world.ranges[0] = whole;
        dbt_invalidate(world.dbt, whole.start, whole.end);
        EQUAL(run_again().reason, DBT_HALT);
        EQUAL(GPR(RBX), 1);
        tap_end("%s does not reach unloaded code, %s", callers[i].name, mode);
    }
}

static void test_partial_invalidation(void)
{
    /* mov ebx, 1; add ebx, 2; hlt: the last byte of the second instruction changes. */
    static const uint8_t code[] = {0xBB, 1, 0, 0, 0, 0x83, 0xC3, 2, 0xF4};
    for (unsigned place = 0x100; place <= 0xFFF; place += 0xEF9) {
        for (unsigned changed = 1; changed < sizeof code; changed += 6) {
            tap_begin();
            world_write_code(place, code, sizeof code);
            world_reset_cpu(place);
            EQUAL(world_run().reason, DBT_HALT);
            EQUAL(GPR(RBX), 3);
            uint8_t other = 40;
            world_write_code(place + changed, &other, 1);
            world_reset_cpu(place);
            EQUAL(world_run().reason, DBT_HALT);
            EQUAL(GPR(RBX), changed == 1 ? 42 : 41);
            tap_end("a change of byte %u of a block at %#x is seen", changed, place);
        }
    }
}

static void test_many_blocks(void)
{
    tap_begin();
    /* 400 blocks of `add ebx, imm8; jmp next`, replaced as a whole many times. */
    uint8_t code[400 * 5 + 1];
    for (unsigned n = 0; n < 60; n++) {
        unsigned expected = 0;
        for (unsigned i = 0; i < 400; i++) {
            uint8_t value = (uint8_t)((n * 7 + i) & 0x3F);
            uint8_t block[5] = {0x83, 0xC3, value, 0xEB, 0};
            memcpy(code + i * 5, block, 5);
            expected += value;
        }
        code[sizeof code - 1] = 0xF4;
        world_write_code(0, code, sizeof code);
        EQUAL(run_again().reason, DBT_HALT);
        if (!EQUAL(GPR(RBX), expected))
            break;
    }
    tap_end("code that is replaced as a whole again and again is found");

    tap_begin();
    struct dbt_stats before = dbt_stats(world.dbt);
    for (unsigned n = 0; n < 10; n++)
        run_again();
    struct dbt_stats after = dbt_stats(world.dbt);
    EQUAL(after.blocks - before.blocks, 0);
    EQUAL(after.guest_instructions - before.guest_instructions, 0);
    CHECK(before.blocks >= 400 && before.guest_instructions >= 800);
    tap_end("code that did not change is not translated again");
}

CODE(covered, "test eax, eax\n jz 1f\n mov ebx, 1\n hlt\n 1: mov ebx, 2\n hlt");
static void test_coverage(void)
{
    world_set_features(WORLD_CHECKED);
    world_start(CODE_BYTES(covered));
    gva_t end = world_guest(0x40);
    tap_begin();
    world_write_code(0, CODE_BYTES(covered));
    uint64_t none = dbt_coverage(world.dbt, WINDOW_GUEST + 0x2000, WINDOW_GUEST + 0x3000);
    EQUAL(none, 0);
    world_reset_cpu(0);
    GPR(RAX) = 1;
    EQUAL(world_run().reason, DBT_HALT);
    uint64_t one = dbt_coverage(world.dbt, WINDOW_GUEST, end);
    CHECK(one >= 1);
    EQUAL(world_run().reason,
          DBT_HALT); /* goes on into the other branch: the same block start as the jump's */
    world_reset_cpu(0);
    GPR(RAX) = 1;
    EQUAL(world_run().reason, DBT_HALT);
    uint64_t same = dbt_coverage(world.dbt, WINDOW_GUEST, end);
    world_reset_cpu(0);
    GPR(RAX) = 0;
    EQUAL(world_run().reason, DBT_HALT);
    uint64_t both = dbt_coverage(world.dbt, WINDOW_GUEST, end);
    CHECK(same >= one);
    EQUAL(both, same);
    tap_note("coverage %llu, then %llu, then %llu", (unsigned long long)one,
             (unsigned long long)same, (unsigned long long)both);
    tap_end("coverage counts distinct block starts");
}

static void test_features(void)
{
    tap_begin();
    static const unsigned sets[] = {WORLD_PLAIN, DBT_SHADOW, WORLD_CHECKED,
                                    WORLD_ALL,   DBT_SHARE,  WORLD_PLAIN};
    world_write_code(0, CODE_BYTES(in_loop));
    write_callee(true, 9);
    for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
        world_set_features(sets[i]);
        EQUAL(run_again().reason, DBT_HALT);
        EQUAL(GPR(RBX), 9);
    }
    tap_end("the instrumentation can be changed between runs");
}

int main(void)
{
    world_open(WORLD_PLAIN);
    test_callers(WORLD_PLAIN, "plain");
    test_callers(WORLD_ALL, "with all instrumentation");
    test_partial_invalidation();
    test_many_blocks();
    test_coverage();
    test_features();
    world_close();
    return tap_finish();
}
