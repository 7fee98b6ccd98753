/*
 * Each reason to leave translated code: the reason's details, and the registers exactly as the
 * guest has them at that instruction.
 */
#include <stdio.h>
#include <string.h>

#include "abi/shadow.h"
#include "tests/isa/support/code.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define RIP_OFFSET ((unsigned)(world.cpu.regs.rip - WINDOW_GUEST))
#define GPR(r) world.cpu.regs.gpr[REG_##r]

/* All registers but the stack pointer and those in `changed` hold what world_start put there. */
static bool marks_kept(unsigned changed)
{
    bool ok = true;
    for (unsigned r = 0; r < 16; r++)
        if (r != REG_RSP && !(changed >> r & 1) && world.cpu.regs.gpr[r] != world_mark(r)) {
            tap_note("register %u: expected %#llx, got %#llx", r, (unsigned long long)world_mark(r),
                     (unsigned long long)world.cpu.regs.gpr[r]);
            ok = false;
        }
    return ok;
}

#define BIT(r) (1u << REG_##r)

CODE(vmcall, "mov eax, 7\n vmcall\n hlt");
static void test_vmcall(void)
{
    tap_begin();
    world_set_class(CODE_KERNEL, 0);
    world_start(CODE_BYTES(vmcall));
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_HYPERCALL);
    EQUAL(RIP_OFFSET, 8);
    EQUAL(GPR(RAX), 7);
    EQUAL(world.cpu.retired, 2);
    CHECK(marks_kept(BIT(RAX)));
    x = world_run();
    EQUAL(x.reason, DBT_HALT);
    EQUAL(RIP_OFFSET, 9);
    EQUAL(world.cpu.retired, 3);
    tap_end("vmcall in kernel code is a hypercall and hlt behind it halts");

    tap_begin();
    world_set_class(CODE_KERNEL_NOLOG, 0);
    world_start(CODE_BYTES(vmcall));
    EQUAL(world_run().reason, DBT_HYPERCALL);
    tap_end("vmcall in unlogged kernel code is a hypercall");

    tap_begin();
    world_set_class(CODE_DRIVER, 1);
    world_start(CODE_BYTES(vmcall));
    x = world_run();
    EQUAL(x.reason, DBT_EXCEPTION);
    EQUAL(x.vector, 6);
    EQUAL(RIP_OFFSET, 5);
    EQUAL(world.cpu.retired, 1);
    tap_end("vmcall in driver code is an undefined instruction");
}

static void test_vector(const void *bytes, unsigned size, unsigned vector, unsigned rip,
                        const char *name)
{
    tap_begin();
    world_start(bytes, size);
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_EXCEPTION);
    EQUAL(x.vector, vector);
    EQUAL(RIP_OFFSET, rip);
    CHECK(marks_kept(BIT(RAX) | BIT(RCX)));
    EQUAL(GPR(RCX), 3);
    tap_end("%s", name);
}

CODE(int3, "mov ecx, 3\n int3\n hlt");
CODE(cd03, "mov ecx, 3\n .byte 0xCD, 0x03\n hlt");
CODE(ud2, "mov ecx, 3\n ud2\n hlt");
CODE(fast_fail, "mov ecx, 3\n int 0x29\n hlt");
CODE(assertion, "mov ecx, 3\n int 0x2C\n hlt");
CODE(debug_service, "mov ecx, 3\n int 0x2D\n int3\n hlt");
CODE(divide, "mov ecx, 3\n div qword ptr [rsp]\n hlt");
CODE(bad_opcode, "mov ecx, 3\n .byte 0x06\n hlt");
CODE(misaligned, "mov ecx, 3\n movaps xmm0, [rsp+8]\n hlt");

static void test_exceptions(void)
{
    test_vector(CODE_BYTES(int3), 3, 6, "int3 raises vector 3 behind itself");
    test_vector(CODE_BYTES(cd03), 3, 7, "the two-byte int 3 raises vector 3 behind itself");
    test_vector(CODE_BYTES(ud2), 6, 5, "ud2 raises vector 6 at itself");
    test_vector(CODE_BYTES(bad_opcode), 6, 5,
                "an opcode that does not exist raises vector 6 at itself");
    test_vector(CODE_BYTES(misaligned), 13, 5, "a misaligned movaps raises vector 13 at itself");
    memset(world_host(STACK_OFFSET + STACK_SIZE - 0x100), 0, 8);
    test_vector(CODE_BYTES(divide), 0, 5, "a division by zero raises vector 0 at itself");

    static const struct {
        const uint8_t *start, *end;
        unsigned vector;
        const char *name;
    } interrupts[] = {
        {code_fast_fail, code_fast_fail_end, 0x29, "int 29h raises the fast fail"},
        {code_assertion, code_assertion_end, 0x2C, "int 2Ch raises the assertion"},
        {code_debug_service, code_debug_service_end, 0x2D, "int 2Dh raises the debug service"}};
    for (unsigned i = 0; i < 3; i++) {
        tap_begin();
        world_start(interrupts[i].start, (unsigned)(interrupts[i].end - interrupts[i].start));
        struct dbt_exit x = world_run();
        EQUAL(x.reason, DBT_EXCEPTION);
        EQUAL(x.vector, interrupts[i].vector);
        CHECK(RIP_OFFSET == 5 || RIP_OFFSET == 7);
        EQUAL(GPR(RCX), 3);
        CHECK(marks_kept(BIT(RCX)));
        tap_end("%s", interrupts[i].name);
    }
}

CODE(cross_jump, "mov ecx, 3\n .byte 0xE9\n .long 0x4000-10\n");
CODE(cross_call, "mov ecx, 3\n .byte 0xE8\n .long 0x4000-10\n hlt\n");
CODE(cross_jcc, "cmp ecx, ecx\n .byte 0x0F, 0x84\n .long 0x4000-8\n hlt\n");
CODE(cross_register, "nop\n jmp rax");
CODE(cross_call_register, "nop\n call rax\n hlt");
CODE(cross_call_memory, "nop\n call qword ptr [rsp]\n hlt");
CODE(cross_ret, "nop\n push rax\n ret");
CODE(cross_ret_imm, "nop\n push rax\n ret 16");

static void test_crossing(const void *bytes, unsigned size, unsigned from, gva_t target,
                          int stack_change, const char *name)
{
    tap_begin();
    world_start(bytes, size);
    GPR(RAX) = target;
    gva_t rsp = GPR(RSP);
    memcpy(world_host((uint32_t)(rsp - WINDOW_GUEST)), &target, 8);
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_CROSS);
    EQUAL(x.from, world_guest(from));
    EQUAL(world.cpu.regs.rip, target);
    EQUAL(GPR(RSP) - rsp, (uint64_t)(int64_t)stack_change);
    if (stack_change == -8) {
        uint64_t pushed;
        memcpy(&pushed, arena_host(GPR(RSP)), 8);
        CHECK(pushed > world_guest(from) && pushed <= world_guest(from) + 6);
    }
    CHECK(marks_kept(BIT(RAX) | BIT(RCX)));
    tap_end("%s", name);
}

static void test_crossings(void)
{
    gva_t other = world_guest(EXIT_OFFSET), nowhere = world_guest(0x5000);
    test_crossing(CODE_BYTES(cross_jump), 5, other, 0,
                  "a jump into another image leaves, named as the origin");
    test_crossing(CODE_BYTES(cross_call), 5, other, -8,
                  "a call into another image leaves with the return address pushed");
    test_crossing(CODE_BYTES(cross_jcc), 2, other, 0,
                  "a conditional jump into another image leaves");
    test_crossing(CODE_BYTES(cross_register), 1, other, 0,
                  "an indirect jump into another image leaves");
    test_crossing(CODE_BYTES(cross_call_register), 1, other, -8,
                  "an indirect call into another image leaves");
    test_crossing(CODE_BYTES(cross_call_memory), 1, other, -8,
                  "a call through memory into another image leaves");
    test_crossing(CODE_BYTES(cross_ret), 2, other, 0, "a return into another image leaves");
    test_crossing(CODE_BYTES(cross_ret_imm), 2, other, 16,
                  "a return with a number into another image leaves");
    test_crossing(CODE_BYTES(cross_register), 1, nowhere, 0,
                  "an indirect jump to where nothing may execute leaves");
    test_crossing(CODE_BYTES(cross_call_register), 1, 0, -8, "a call of a null pointer leaves");
    test_crossing(CODE_BYTES(cross_ret), 2, 0x4141414141414141ull, 0,
                  "a return to a wild address leaves");
    test_crossing(CODE_BYTES(cross_call_register), 1, 0xFFFFF80003F00010ull, -8,
                  "a call of a missing import leaves");

    tap_begin();
    world.ranges[0].class = CODE_KERNEL;
    world.ranges[0].image = 1;
    dbt_invalidate(world.dbt, WINDOW_GUEST, WINDOW_GUEST + WINDOW_SIZE);
    world_start(CODE_BYTES(cross_jump));
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_CROSS);
    EQUAL(x.from, world_guest(5));
    EQUAL(world.cpu.regs.rip, other);
    tap_end("a jump into another image of the same class leaves");

    tap_begin();
    world.ranges[0].class = CODE_DRIVER;
    world.ranges[0].image = 0;
    dbt_invalidate(world.dbt, WINDOW_GUEST, WINDOW_GUEST + WINDOW_SIZE);
    world_start(CODE_BYTES(cross_jump));
    x = world_run();
    EQUAL(x.reason, DBT_CROSS);
    EQUAL(x.from, world_guest(5));
    tap_end("a jump from driver to kernel code of the same image leaves");

    world.ranges[0].class = CODE_KERNEL;
    tap_begin();
    world.ranges[1].class = CODE_KERNEL;
    dbt_invalidate(world.dbt, WINDOW_GUEST, WINDOW_GUEST + WINDOW_SIZE);
    world_start(CODE_BYTES(cross_jump));
    memset(world_host(EXIT_OFFSET), 0xF4, 1);
    x = world_run();
    EQUAL(x.reason, DBT_HALT);
    EQUAL(RIP_OFFSET, EXIT_OFFSET + 1);
    tap_end("a jump to another range of the same image and class does not leave");
    world_default_ranges();

    tap_begin();
    world.ranges[0].end = world_guest(0x100);
    dbt_invalidate(world.dbt, WINDOW_GUEST, WINDOW_GUEST + WINDOW_SIZE);
    memset(world_host(0), 0x90, 0x200);
    world_reset_cpu(0xF0);
    x = world_run();
    EQUAL(x.reason, DBT_CROSS);
    EQUAL(RIP_OFFSET, 0x100);
    EQUAL(x.from, world_guest(0xFF));
    tap_end("running past the end of a range leaves at its end");
    world_default_ranges();
}

static void test_nowhere(void)
{
    tap_begin();
    world_reset_cpu(0x5000);
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_CROSS);
    EQUAL(RIP_OFFSET, 0x5000);
    EQUAL(world.cpu.retired, 0);
    tap_end("a run that begins where nothing may execute leaves at once");
}

CODE(cross_back, "call rax\n add rcx, 1\n hlt");
static void test_return_from_crossing(void)
{
    tap_begin();
    world_start(CODE_BYTES(cross_back));
    GPR(RAX) = world_guest(EXIT_OFFSET);
    uint8_t ret = 0xC3;
    world_write_code(EXIT_OFFSET, &ret, 1);
    EQUAL(world_run().reason, DBT_CROSS);
    EQUAL(RIP_OFFSET, EXIT_OFFSET);
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_CROSS);
    EQUAL(x.from, world_guest(EXIT_OFFSET));
    EQUAL(RIP_OFFSET, 2);
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RCX), world_mark(REG_RCX) + 1);
    tap_end("a callee in another image returns by leaving too");
}

static void test_unsupported(const void *bytes, unsigned size, const char *mnemonic,
                             const char *text)
{
    tap_begin();
    world_start(bytes, size);
    struct dbt_exit x = world_run();
    CHECK(x.reason == DBT_UNSUPPORTED ||
          (x.reason == DBT_EXCEPTION && (x.vector == 13 || x.vector == 6)));
    if (x.reason == DBT_UNSUPPORTED)
        CHECK(strstr(x.text, mnemonic) != NULL);
    EQUAL(RIP_OFFSET, 1);
    CHECK(marks_kept(0));
    tap_end("%s is refused by name or faults", text);
}

static void test_refusals(void)
{
    static const struct {
        uint8_t bytes[8];
        unsigned size;
        const char *mnemonic;
        const char *text;
    } rows[] = {
        {{0x90, 0x0F, 0x30, 0xF4}, 4, "wrmsr", "wrmsr"},
        {{0x90, 0x0F, 0x32, 0xF4}, 4, "rdmsr", "rdmsr"},
        {{0x90, 0x0F, 0x22, 0xD8, 0xF4}, 5, "mov", "mov to cr3"},
        {{0x90, 0x0F, 0x20, 0xD8, 0xF4}, 5, "mov", "mov from cr3"},
        {{0x90, 0x0F, 0x21, 0xF8, 0xF4}, 5, "mov", "mov from dr7"},
        {{0x90, 0xEC, 0xF4}, 3, "in", "in"},
        {{0x90, 0xEE, 0xF4}, 3, "out", "out"},
        {{0x90, 0x0F, 0x05, 0xF4}, 4, "syscall", "syscall"},
        {{0x90, 0x0F, 0x01, 0xF8, 0xF4}, 5, "swapgs", "swapgs"},
        {{0x90, 0x0F, 0x01, 0x1C, 0x24, 0xF4}, 6, "lidt", "lidt"},
        {{0x90, 0x0F, 0xAA, 0xF4}, 4, "rsm", "rsm"},
        {{0x90, 0x0F, 0xAE, 0x04, 0x24, 0xF4}, 6, "fxsave", "fxsave"},
        {{0x90, 0xD9, 0xE8, 0xF4}, 4, "fld1", "x87's fld1"},
        {{0x90, 0x0F, 0x6F, 0xC1, 0xF4}, 5, "movq", "MMX's movq"},
        {{0x90, 0x0F, 0x53, 0xC1, 0xF4}, 5, "rcpps", "rcpps, whose results depend on the host,"},
        {{0x90, 0xF3, 0x0F, 0x52, 0xC1, 0xF4},
         6,
         "rsqrtss",
         "rsqrtss, whose results depend on the host,"},
        {{0x90, 0x62, 0xF1, 0x7C, 0x48, 0x58, 0xC1, 0xF4}, 8, "vaddps", "AVX-512's vaddps"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        test_unsupported(rows[i].bytes, rows[i].size, rows[i].mnemonic, rows[i].text);
}

int main(void)
{
    world_open(WORLD_CHECKED);
    test_vmcall();
    test_exceptions();
    test_crossings();
    test_nowhere();
    test_return_from_crossing();
    test_refusals();
    world_close();
    return tap_finish();
}
