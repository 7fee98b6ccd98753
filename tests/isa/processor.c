/*
 * The virtual processor: interrupt level and flag, CPUID, time stamps and random numbers, none of
 * which may come from the host.
 */
#include <stdio.h>
#include <string.h>

#include "tests/isa/support/code.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define RIP_OFFSET ((unsigned)(world.cpu.regs.rip - WINDOW_GUEST))
#define GPR(r) world.cpu.regs.gpr[REG_##r]
#define PENDING_APC 2
#define PENDING_DISPATCH 4

CODE(set_irql, "nop\n mov cr8, rax\n nop\n mov rdx, cr8\n hlt");
#define BEHIND_SET 5

static void start_irql(unsigned from, unsigned to, unsigned pending)
{
    world_start(CODE_BYTES(set_irql));
    world.cpu.irql = (uint8_t)from;
    world.cpu.pending = (uint8_t)pending;
    GPR(RAX) = to;
}

static void test_irql(void)
{
    static const struct {
        unsigned from, to, pending;
        bool taken;
        const char *name;
    } rows[] = {
        {0, 2, 0, false, "raising the IRQL goes on"},
        {0, 2, PENDING_APC | PENDING_DISPATCH, false, "raising the IRQL takes no interrupt"},
        {2, 0, 0, false, "lowering the IRQL with nothing pending goes on"},
        {1, 0, PENDING_APC, true, "lowering to 0 takes a pending APC interrupt"},
        {2, 1, PENDING_APC, false, "lowering to 1 leaves an APC interrupt pending"},
        {2, 1, PENDING_DISPATCH, true, "lowering to 1 takes a pending dispatch interrupt"},
        {15, 2, PENDING_APC | PENDING_DISPATCH, false, "lowering to 2 takes no software interrupt"},
        {2, 0, PENDING_APC | PENDING_DISPATCH, true, "lowering to 0 takes pending interrupts"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_begin();
        start_irql(rows[i].from, rows[i].to, rows[i].pending);
        struct dbt_exit x = world_run();
        EQUAL(world.cpu.irql, rows[i].to);
        EQUAL(world.cpu.pending, rows[i].pending);
        if (rows[i].taken) {
            EQUAL(x.reason, DBT_INTERRUPT);
            EQUAL(RIP_OFFSET, BEHIND_SET);
            EQUAL(world.cpu.retired, 2);
            world.cpu.pending = 0;
            x = world_run();
        }
        EQUAL(x.reason, DBT_HALT);
        EQUAL(GPR(RDX), rows[i].to);
        EQUAL(GPR(RAX), rows[i].to);
        EQUAL(world.cpu.retired, 5);
        tap_end("%s", rows[i].name);
    }

    tap_begin();
    start_irql(0, 16, 0);
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_EXCEPTION);
    EQUAL(x.vector, 13);
    EQUAL(RIP_OFFSET, 1);
    EQUAL(world.cpu.irql, 0);
    tap_end("an IRQL above 15 is a general protection fault");

    tap_begin();
    start_irql(2, 0, PENDING_DISPATCH);
    world.cpu.regs.rflags &= ~(uint64_t)FLAG_IF;
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(world.cpu.irql, 0);
    tap_end("with interrupts disabled lowering the IRQL takes none");
}

CODE(cli_sti, "cli\n pushfq\n pop rax\n sti\n nop\n pushfq\n pop rdx\n hlt");
CODE(popf, "push 0x202\n popfq\n nop\n hlt");
CODE(popf_off, "push 2\n popfq\n pushfq\n pop rax\n hlt");
CODE(cli_flags, "cmp rcx, rcx\n cli\n setz al\n mov ecx, 0\n mov cr8, rcx\n setz dl\n sti\n"
                "setz bl\n hlt");

static void test_interrupt_flag(void)
{
    tap_begin();
    world_start(CODE_BYTES(cli_sti));
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RAX) & FLAG_IF, 0);
    EQUAL(GPR(RDX) & FLAG_IF, FLAG_IF);
    EQUAL(world.cpu.regs.rflags & FLAG_IF, FLAG_IF);
    tap_end("cli and sti change the flag that pushfq shows");

    tap_begin();
    world_start(CODE_BYTES(cli_sti));
    world.cpu.pending = PENDING_DISPATCH;
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_INTERRUPT);
    CHECK(RIP_OFFSET == 4 || RIP_OFFSET == 5);
    EQUAL(GPR(RAX) & FLAG_IF, 0);
    tap_end("sti takes a pending interrupt");

    tap_begin();
    world_start(CODE_BYTES(popf));
    world.cpu.regs.rflags &= ~(uint64_t)FLAG_IF;
    world.cpu.pending = PENDING_DISPATCH;
    x = world_run();
    EQUAL(x.reason, DBT_INTERRUPT);
    EQUAL(RIP_OFFSET, 6);
    tap_end("popfq that enables interrupts takes a pending one");

    tap_begin();
    world_start(CODE_BYTES(popf_off));
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RAX) & (FLAG_IF | 2), 2);
    EQUAL(world.cpu.regs.rflags & FLAG_IF, 0);
    tap_end("popfq disables interrupts");

    tap_begin();
    world_start(CODE_BYTES(cli_flags));
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RAX) & 0xFF, 1);
    EQUAL(GPR(RDX) & 0xFF, 1);
    EQUAL(GPR(RBX) & 0xFF, 1);
    tap_end("cli, sti and mov to cr8 keep the arithmetic flags");
}

CODE(cpuid, "cpuid\n hlt");

static void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    world_start(CODE_BYTES(cpuid));
    GPR(RAX) = 0xABCDEF0100000000ull | leaf;
    GPR(RCX) = 0x1234567800000000ull | subleaf;
    EQUAL(world_run().reason, DBT_HALT);
    static const int regs[4] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t v = world.cpu.regs.gpr[regs[i]];
        CHECK(v >> 32 == 0);
        out[i] = (uint32_t)v;
    }
}

static void test_cpuid(void)
{
    tap_begin();
    uint32_t r[4], again[4];
    static const uint32_t leaves[] = {0,          1,          2,          4,          7,         13,
                                      0x80000000, 0x80000001, 0x80000008, 0x40000000, 0x77777777};
    for (unsigned i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        cpuid(leaves[i], 0, r);
        cpuid(leaves[i], 0, again);
        CHECK(memcmp(r, again, sizeof r) == 0);
    }
    tap_end("cpuid zero-extends its results and repeats itself");

    tap_begin();
    cpuid(0, 0, r);
    CHECK(r[0] >= 1);
    char vendor[13] = "";
    memcpy(vendor, &r[1], 4);
    memcpy(vendor + 4, &r[3], 4);
    memcpy(vendor + 8, &r[2], 4);
    CHECK(strlen(vendor) == 12);
    cpuid(1, 0, r);
    CHECK(r[3] >> 25 & 1 && r[3] >> 26 & 1); /* SSE, SSE2: part of the architecture */
    CHECK(r[3] >> 8 & 1);                    /* CMPXCHG8B */
    CHECK(r[2] >> 13 & 1);                   /* CMPXCHG16B: NT needs it */
    bool random = r[2] >> 30 & 1;
    tap_note("vendor %s, leaf 1 eax %08x ecx %08x edx %08x, rdrand %d", vendor, r[0], r[2], r[3],
             random);
    tap_end("cpuid names a vendor and the features that NT relies on");
}

CODE(rdtsc, "rdtsc\n mov rsi, rdx\n mov rdi, rax\n add rcx, 1\n rdtsc\n hlt");
CODE(rdtscp, "rdtscp\n hlt");
CODE(rdrand, "rdrand rax\n setc cl\n rdrand edx\n rdrand bx\n hlt");
CODE(xgetbv, "xor ecx, ecx\n xgetbv\n hlt");

static void test_time(void)
{
    tap_begin();
    uint64_t first[2], second[2];
    for (unsigned i = 0; i < 2; i++) {
        world_start(CODE_BYTES(rdtsc));
        EQUAL(world_run().reason, DBT_HALT);
        CHECK(GPR(RSI) >> 32 == 0 && GPR(RDI) >> 32 == 0 && GPR(RAX) >> 32 == 0 &&
              GPR(RDX) >> 32 == 0);
        first[i] = GPR(RSI) << 32 | GPR(RDI);
        second[i] = GPR(RDX) << 32 | GPR(RAX);
        CHECK(second[i] > first[i]);
        EQUAL(world.cpu.tsc, second[i]);
    }
    EQUAL(first[0], first[1]);
    EQUAL(second[0], second[1]);
    tap_end("rdtsc increases and depends on the run alone");

    tap_begin();
    world_start(CODE_BYTES(rdtscp));
    world.cpu.tsc = 1000;
    EQUAL(world_run().reason, DBT_HALT);
    CHECK((GPR(RDX) << 32 | GPR(RAX)) > 1000);
    EQUAL(GPR(RCX), world.cpu.number);
    tap_end("rdtscp increases and names the processor");

    tap_begin();
    uint64_t values[2];
    for (unsigned i = 0; i < 2; i++) {
        world_start(CODE_BYTES(rdrand));
        struct dbt_exit x = world_run();
        if (x.reason == DBT_UNSUPPORTED || x.reason == DBT_EXCEPTION)
            break;
        EQUAL(x.reason, DBT_HALT);
        EQUAL(GPR(RCX) & 0xFF, 1);
        CHECK(GPR(RDX) >> 32 == 0);
        values[i] = GPR(RAX) ^ GPR(RDX) * 3;
        CHECK(i == 0 || values[0] == values[1]);
    }
    tap_end("rdrand depends on the run alone, or is refused");

    tap_begin();
    world_start(CODE_BYTES(xgetbv));
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RAX) & 3, 3);
    EQUAL(GPR(RDX), 0);
    tap_end("xgetbv shows the x87 and SSE state enabled");
}

CODE(iret, "push 0x18\n push rcx\n push rdx\n push 0x10\n push rax\n iretq\n ud2");

static void start_iret(uint64_t flags)
{
    world_start(CODE_BYTES(iret));
    uint8_t halt = 0xF4;
    world_write_code(CODE_OFFSET + 0x200, &halt, 1);
    GPR(RAX) = world_guest(CODE_OFFSET + 0x200);
    GPR(RCX) = world_guest(STACK_OFFSET + 0x800);
    GPR(RDX) = flags;
}

static void test_interrupt_return(void)
{
    tap_begin();
    world_set_class(CODE_KERNEL, 0);
    start_iret(0x202 | FLAG_CF | FLAG_ZF);
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(RIP_OFFSET, 0x201);
    EQUAL(GPR(RSP), world_guest(STACK_OFFSET + 0x800));
    EQUAL(world.cpu.regs.rflags & (FLAG_CF | FLAG_ZF | FLAG_IF | FLAG_SF),
          FLAG_CF | FLAG_ZF | FLAG_IF);
    tap_end("iretq takes rip, flags and rsp from the stack");

    tap_begin();
    start_iret(0x202);
    world.cpu.regs.rflags &= ~(uint64_t)FLAG_IF;
    world.cpu.pending = PENDING_APC;
    EQUAL(world_run().reason, DBT_INTERRUPT);
    EQUAL(RIP_OFFSET, 0x200);
    tap_end("iretq that enables interrupts takes a pending one at its target");
    world_set_class(CODE_DRIVER, 1);
}

int main(void)
{
    world_open(WORLD_CHECKED);
    test_irql();
    test_interrupt_flag();
    test_interrupt_return();
    test_cpuid();
    test_time();
    world_close();
    return tap_finish();
}
