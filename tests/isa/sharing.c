/*
 * Share cells: which accesses ask the machine, which stop driver code, and how the stopped
 * instruction is then executed alone. Sizes from 1 to 32 bytes, at every offset over granules.
 */
#include <stdio.h>
#include <string.h>

#include "tests/isa/support/code.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define RIP_OFFSET ((unsigned)(world.cpu.regs.rip - WINDOW_GUEST))
#define GPR(r) world.cpu.regs.gpr[REG_##r]
#define PLACE (DATA_OFFSET + 0x800)
#define OWN 1
#define OWN_WRITTEN (1 | SHARE_WRITTEN)
#define FOREIGN 2
#define FOREIGN_WRITTEN (2 | SHARE_WRITTEN)

static const struct access {
    uint8_t bytes[10];
    unsigned length, size;
    bool write;
    const char *name;
} accesses[] = {
    {{0x8A, 0x11}, 2, 1, false, "mov dl, [rcx]"},
    {{0x66, 0x8B, 0x11}, 3, 2, false, "mov dx, [rcx]"},
    {{0x8B, 0x11}, 2, 4, false, "mov edx, [rcx]"},
    {{0x48, 0x8B, 0x11}, 3, 8, false, "mov rdx, [rcx]"},
    {{0x48, 0x3B, 0x11}, 3, 8, false, "cmp rdx, [rcx]"},
    {{0x0F, 0x10, 0x01}, 3, 16, false, "movups xmm0, [rcx]"},
    {{0xC5, 0xFC, 0x10, 0x01}, 4, 32, false, "vmovups ymm0, [rcx]"},
    {{0x88, 0x11}, 2, 1, true, "mov [rcx], dl"},
    {{0x66, 0x89, 0x11}, 3, 2, true, "mov [rcx], dx"},
    {{0x89, 0x11}, 2, 4, true, "mov [rcx], edx"},
    {{0x48, 0x89, 0x11}, 3, 8, true, "mov [rcx], rdx"},
    {{0x0F, 0x11, 0x01}, 3, 16, true, "movups [rcx], xmm0"},
    {{0xC5, 0xFC, 0x11, 0x01}, 4, 32, true, "vmovups [rcx], ymm0"},
    {{0x01, 0x11}, 2, 4, true, "add [rcx], edx"},
    {{0xF0, 0x0F, 0xC1, 0x11}, 4, 4, true, "lock xadd [rcx], edx"},
    {{0xF0, 0x48, 0x0F, 0xB1, 0x11}, 5, 8, true, "lock cmpxchg [rcx], rdx"},
    {{0x87, 0x11}, 2, 4, true, "xchg [rcx], edx"},
    {{0xFF, 0x31}, 2, 8, false, "push [rcx]"},
    {{0x8F, 0x01}, 2, 8, true, "pop [rcx]"},
};
#define ACCESSES (sizeof accesses / sizeof *accesses)

/* mov eax, 5; the access; hlt. */
static void start(const struct access *a, gva_t address)
{
    uint8_t code[32] = {0xB8, 5, 0, 0, 0};
    memcpy(code + 5, a->bytes, a->length);
    code[5 + a->length] = 0xF4;
    world_start(code, 6 + a->length);
    GPR(RCX) = address;
}

static void set_cells(uint8_t value)
{
    world_clear_shares();
    memset(arena_share(world_guest(PLACE - 0x100)), value, 0x200 / 8);
    /* The stack belongs to the processor throughout. */
    memset(arena_share(world_guest(STACK_OFFSET)), OWN_WRITTEN, STACK_SIZE / 8);
}

/* Calls for the tested place; the stack and the rest are not what a test is about. */
static unsigned calls_for(const struct access *a, gva_t address)
{
    unsigned n = 0;
    for (unsigned i = 0; i < world.share_count && i < WORLD_MAX_SHARES; i++) {
        const struct world_share *s = &world.shares[i];
        if (s->address + s->size <= address || s->address >= address + a->size)
            continue;
        n++;
        if (s->write != a->write)
            tap_check(false, "the call says whether the access writes", __FILE__, __LINE__);
    }
    return n;
}

static void test_own(const struct access *a)
{
    tap_begin();
    for (unsigned at = 0; at < 9; at++) {
        set_cells(OWN_WRITTEN);
        start(a, world_guest(PLACE + at));
        EQUAL(world_run().reason, DBT_HALT);
        EQUAL(calls_for(a, world_guest(PLACE + at)), 0);
        set_cells(OWN);
        start(a, world_guest(PLACE + at));
        EQUAL(world_run().reason, DBT_HALT);
        for (unsigned i = at / 8; i <= (at + a->size - 1) / 8; i++)
            EQUAL(*arena_share(world_guest(PLACE + i * 8)), a->write ? OWN_WRITTEN : OWN);
    }
    tap_end("%s on the processor's own cells asks nobody, and a first write is noted", a->name);
}

static void test_claim(const struct access *a)
{
    static const struct {
        uint8_t before, read, write;
    } rows[] = {{SHARE_UNTOUCHED, OWN, OWN_WRITTEN},
                {FOREIGN, SHARE_READ_MANY, SHARE_PENDING},
                {FOREIGN_WRITTEN, SHARE_PENDING, SHARE_PENDING}};
    tap_begin();
    for (unsigned row = 0; row < sizeof rows / sizeof *rows; row++) {
        for (unsigned at = 0; at < 9; at++) {
            gva_t address = world_guest(PLACE + at);
            set_cells(rows[row].before);
            start(a, address);
            if (!EQUAL(world_run().reason, DBT_HALT) || !CHECK(calls_for(a, address) > 0))
                tap_note("  cell %#x, offset %u", rows[row].before, at);
            for (unsigned i = 0; i < 8; i++) {
                bool touched = i >= at / 8 && i <= (at + a->size - 1) / 8;
                uint8_t expected = !touched   ? rows[row].before
                                   : a->write ? rows[row].write
                                              : rows[row].read;
                if (!EQUAL(*arena_share(world_guest(PLACE + i * 8)), expected))
                    tap_note("  cell %#x, offset %u, granule %u", rows[row].before, at, i);
            }
        }
    }
    tap_end("%s on untouched and foreign cells asks for exactly its granules", a->name);
}

static void test_stop(const struct access *a, unsigned features)
{
    tap_begin();
    world_set_features(features);
    for (int at = -(int)a->size - 1; at < 10; at++) {
        bool touches = at + (int)a->size > 0 && at < 8;
        gva_t address = world_guest(PLACE) + (gva_t)at;
        set_cells(OWN_WRITTEN);
        *arena_share(world_guest(PLACE)) = SHARE_SHARED;
        uint8_t before[0x40];
        memset(world_host(PLACE - 0x20), 0x44, sizeof before);
        memcpy(before, world_host(PLACE - 0x20), sizeof before);
        start(a, address);
        gva_t rsp = GPR(RSP);
        uint64_t rdx = GPR(RDX);
        struct dbt_exit x = world_run();
        if (!EQUAL(x.reason, touches ? DBT_SHARED : DBT_HALT)) {
            tap_note("  at offset %d from the shared granule", at);
            break;
        }
        if (!touches)
            continue;
        bool ok = EQUAL(x.address, address) & EQUAL(x.size, a->size) & EQUAL(x.write, a->write) &
                  EQUAL(RIP_OFFSET, 5) & EQUAL(GPR(RAX), 5) & EQUAL(GPR(RCX), address) &
                  EQUAL(GPR(RDX), rdx) & EQUAL(GPR(RSP), rsp) &
                  CHECK(memcmp(before, world_host(PLACE - 0x20), sizeof before) == 0);
        if (features & DBT_BUDGETS)
            ok &= EQUAL(world.cpu.retired, 1);
        x = dbt_run_one(world.dbt, &world.cpu);
        ok &= EQUAL(x.reason, DBT_ONE) & EQUAL(RIP_OFFSET, 5 + a->length);
        if (features & DBT_BUDGETS)
            ok &= EQUAL(world.cpu.retired, 2);
        bool changed = memcmp(before, world_host(PLACE - 0x20), sizeof before) != 0;
        if (strstr(a->name, "cmpxchg") == NULL && strstr(a->name, "xmm") == NULL &&
            strstr(a->name, "ymm") == NULL)
            ok &= EQUAL(changed, a->write);
        if (changed && (features & DBT_DIRTY))
            ok &= CHECK(*arena_dirty(address) || *arena_dirty(address + a->size - 1));
        ok &= EQUAL(world_run().reason, DBT_HALT);
        if (!ok) {
            tap_note("  at offset %d from the shared granule", at);
            break;
        }
    }
    world_set_features(WORLD_ALL);
    tap_end("%s stops before a shared granule and then executes alone (features %#x)", a->name,
            features);
}

CODE(two, "mov eax, [rcx]\n add [rcx], eax\n mov edx, [rcx]\n hlt");
CODE(several, "mov rax, [rcx]\n mov rbx, [rcx+8]\n mov rdx, [rcx+16]\n mov [rcx+24], rax\n hlt");
CODE(copy, "rep movsb\n hlt");

static void test_classes(void)
{
    gva_t address = world_guest(PLACE);

    tap_begin();
    set_cells(SHARE_SHARED);
    world_set_class(CODE_KERNEL, 0);
    world_start(CODE_BYTES(two));
    GPR(RCX) = address;
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(world.share_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        EQUAL(world.shares[i].class, CODE_KERNEL);
        EQUAL(world.shares[i].address, address);
        EQUAL(world.shares[i].write, i == 1);
    }
    tap_end("kernel code asks about each shared access and is never stopped");

    tap_begin();
    set_cells(SHARE_UNTOUCHED);
    world_set_class(CODE_KERNEL_NOLOG, 0);
    world_start(CODE_BYTES(two));
    GPR(RCX) = address;
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(world.share_count, 0);
    EQUAL(*arena_share(address), SHARE_UNTOUCHED);
    tap_end("unlogged kernel code asks nobody");
    world_set_class(CODE_DRIVER, 1);

    tap_begin();
    set_cells(SHARE_SHARED);
    world_start(CODE_BYTES(two));
    GPR(RCX) = address;
    static const unsigned stops[] = {0, 2, 4};
    for (unsigned i = 0; i < 3; i++) {
        EQUAL(world_run().reason, DBT_SHARED);
        EQUAL(RIP_OFFSET, stops[i]);
        EQUAL(dbt_run_one(world.dbt, &world.cpu).reason, DBT_ONE);
    }
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(world.cpu.retired, 4);
    tap_end("driver code stops before each of its shared accesses");

    tap_begin();
    world_start(CODE_BYTES(two));
    GPR(RCX) = address;
    EQUAL(dbt_run_single(world.dbt, &world.cpu).reason, DBT_SHARED);
    EQUAL(RIP_OFFSET, 0);
    EQUAL(world.cpu.retired, 0);
    tap_end("a debugger's single step stops there too");

    tap_begin();
    set_cells(OWN_WRITTEN);
    world_start(CODE_BYTES(two));
    GPR(RCX) = address;
    gva_t stop = world.cpu.regs.rip + 2;
    dbt_set_stops(world.dbt, &stop, 1);
    EQUAL(world_run().reason, DBT_ONE);
    EQUAL(RIP_OFFSET, 2);
    EQUAL(world.cpu.retired, 1);
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(world.cpu.retired, 4);
    dbt_set_stops(world.dbt, NULL, 0);
    tap_end("a debugger's stop is in front of its instruction, once");

    tap_begin();
    set_cells(OWN_WRITTEN);
    *arena_share(address + 16) = SHARE_SHARED;
    world_start(CODE_BYTES(several));
    GPR(RCX) = address;
    memset(world_host(PLACE), 0x66, 32);
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_SHARED);
    EQUAL(RIP_OFFSET, 7);
    EQUAL(x.address, address + 16);
    EQUAL(GPR(RBX), 0x6666666666666666ull);
    EQUAL(GPR(RDX), world_mark(REG_RDX));
    tap_end("of several accesses through one register the shared one stops");

    tap_begin();
    set_cells(SHARE_UNTOUCHED);
    world_start(CODE_BYTES(two));
    GPR(RCX) = address;
    dbt_set_agent(world.dbt, 7);
    world.cpu.number = 6;
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(*arena_share(address), 7 | SHARE_WRITTEN);
    unsigned calls = world.share_count;
    world.cpu.regs.rip = WINDOW_GUEST;
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(world.share_count, calls);
    dbt_set_agent(world.dbt, 8);
    world.cpu.number = 7;
    world.cpu.regs.rip = WINDOW_GUEST;
    EQUAL(world_run().reason, DBT_HALT);
    CHECK(world.share_count > calls);
    EQUAL(*arena_share(address), SHARE_PENDING);
    dbt_set_agent(world.dbt, 1);
    tap_end("another agent's turn changes whose cells are own");

    tap_begin();
    set_cells(OWN_WRITTEN);
    memset(arena_share(world_guest(PLACE + 0x40)), SHARE_SHARED, 1);
    for (unsigned i = 0; i < 0x80; i++)
        *world_host(PLACE - 0x80 + i) = (uint8_t)i;
    world_start(CODE_BYTES(copy));
    GPR(RSI) = world_guest(PLACE - 0x80);
    GPR(RDI) = world_guest(PLACE);
    GPR(RCX) = 0x80;
    x = world_run();
    EQUAL(x.reason, DBT_SHARED);
    EQUAL(RIP_OFFSET, 0);
    EQUAL(GPR(RDI) + GPR(RCX), world_guest(PLACE) + 0x80);
    CHECK(x.write);
    CHECK(x.address <= world_guest(PLACE + 0x47) && x.address + x.size > world_guest(PLACE + 0x40));
    EQUAL(dbt_run_one(world.dbt, &world.cpu).reason, DBT_ONE);
    for (unsigned n = 0; n < 200 && world.cpu.regs.rip == WINDOW_GUEST; n++)
        if (world_run().reason == DBT_SHARED)
            dbt_run_one(world.dbt, &world.cpu);
    EQUAL(GPR(RCX), 0);
    EQUAL(memcmp(world_host(PLACE - 0x80), world_host(PLACE), 0x80), 0);
    tap_end("a string operation stops before a shared granule in its range");
}

CODE(to_unlogged, "mov [rcx], eax\n .byte 0xE8\n .long 0x4000-7\n mov [rcx+16], eax\n hlt");
CODE(unlogged, "mov [rcx+8], eax\n ret");

/* Both are the kernel's: whether such a call leaves translated code is of no consequence. */
static void test_unlogged_call(void)
{
    tap_begin();
    world_set_class(CODE_KERNEL, 0);
    world.ranges[1].class = CODE_KERNEL_NOLOG;
    dbt_invalidate(world.dbt, WINDOW_GUEST, WINDOW_GUEST + WINDOW_SIZE);
    set_cells(SHARE_SHARED);
    world_write_code(EXIT_OFFSET, CODE_BYTES(unlogged));
    world_start(CODE_BYTES(to_unlogged));
    GPR(RCX) = world_guest(PLACE);
    struct dbt_exit x = world_run();
    for (unsigned n = 0; n < 2 && x.reason == DBT_CROSS; n++)
        x = world_run();
    EQUAL(x.reason, DBT_HALT);
    EQUAL(world.share_count, 2);
    EQUAL(world.shares[0].address, world_guest(PLACE));
    EQUAL(world.shares[1].address, world_guest(PLACE + 16));
    tap_end("kernel code that calls unlogged code asks for its own accesses alone");
    world_default_ranges();
}

CODE(stack_store, "mov [rsp+0x20], rax\n hlt");
CODE(stack_load, "mov rax, [rsp+0x20]\n hlt");
CODE(frame_store, "lea rbp, [rsp+0x30]\n mov [rbp-0x10], rax\n hlt");
CODE(stack_pointer, "lea rdx, [rsp+0x20]\n mov [rdx], rax\n hlt");
CODE(stack_push, "sub rsp, -0x28\n push rax\n hlt");
CODE(stack_push_imm, "sub rsp, -0x28\n push 5\n hlt");
CODE(stack_pop, "sub rsp, -0x20\n pop rax\n hlt");
CODE(stack_call, "sub rsp, -0x28\n call 1f\n 1: hlt");
CODE(stack_call_indirect, "lea rax, [rip+1f]\n sub rsp, -0x28\n call rax\n 1: hlt");
CODE(stack_ret, "sub rsp, -0x20\n ret");
CODE(stack_pushfq, "sub rsp, -0x28\n pushfq\n hlt");
CODE(stack_leave, "lea rbp, [rsp+0x20]\n leave\n hlt");
CODE(stack_xmm, "movaps [rsp+0x20], xmm6\n hlt");

/* The word at [rsp+0x20] is shared: an event or a status block in a frame, which another thread
 * writes. */
static void test_stack(void)
{
    static const struct {
        const uint8_t *start, *end;
        bool write;
        const char *name;
    } rows[] = {
#define ROW(code, write, text) {code_##code, code_##code##_end, write, text}
        ROW(stack_store, true, "a store by rsp"),
        ROW(stack_load, false, "a load by rsp"),
        ROW(frame_store, true, "a store by rbp"),
        ROW(stack_pointer, true, "a store through a pointer into the frame"),
        ROW(stack_push, true, "a push"),
        ROW(stack_push_imm, true, "a push of a number"),
        ROW(stack_pop, false, "a pop"),
        ROW(stack_call, true, "a call"),
        ROW(stack_call_indirect, true, "an indirect call"),
        ROW(stack_ret, false, "a ret"),
        ROW(stack_pushfq, true, "a pushfq"),
        ROW(stack_leave, false, "a leave"),
        ROW(stack_xmm, true, "an aligned vector store"),
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_begin();
        set_cells(OWN_WRITTEN);
        world_start(rows[i].start, (unsigned)(rows[i].end - rows[i].start));
        gva_t place = GPR(RSP) + 0x20, back = WINDOW_GUEST + EXIT_OFFSET;
        memcpy(arena_host(place), &back, 8);
        *arena_share(place) = SHARE_SHARED;
        struct dbt_exit x = world_run();
        EQUAL(x.reason, DBT_SHARED);
        EQUAL(x.address, place);
        EQUAL(x.write, rows[i].write);
        gva_t before = world.cpu.regs.rip;
        struct dbt_exit one = dbt_run_one(world.dbt, &world.cpu);
        CHECK(one.reason == DBT_ONE || one.reason == DBT_CROSS);
        CHECK(world.cpu.regs.rip != before);
        tap_end("%s stops at a shared granule of the stack", rows[i].name);
    }
}

CODE(two_movs, "movsq\n hlt");
CODE(two_rep, "mov ecx, 3\n rep movsq\n hlt");
CODE(two_cmps, "cmpsq\n hlt");
CODE(two_push, "push [rsi]\n hlt");
CODE(two_pop, "pop [rdi]\n hlt");

/* Of two operands one is shared and stops; the other is touched for the first time. */
static void test_two_operands(void)
{
    const gva_t source = world_guest(PLACE), target = world_guest(PLACE + 0x40);
    static const struct {
        const uint8_t *start, *end;
        bool source_shared;
        const char *name;
    } rows[] = {
        {code_two_movs, code_two_movs_end, true, "movsq from a shared granule enters its target"},
        {code_two_movs, code_two_movs_end, false, "movsq to a shared granule enters its source"},
        {code_two_rep, code_two_rep_end, true, "rep movsq from shared granules enters its target"},
        {code_two_rep, code_two_rep_end, false, "rep movsq to shared granules enters its source"},
        {code_two_cmps, code_two_cmps_end, true, "cmpsq of a shared granule enters the other"},
        {code_two_push, code_two_push_end, true, "a push of a shared granule enters the stack"},
        {code_two_pop, code_two_pop_end, false, "a pop to a shared granule enters the stack"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_begin();
        world_clear_shares();
        world_start(rows[i].start, (unsigned)(rows[i].end - rows[i].start));
        GPR(RSI) = source;
        GPR(RDI) = target;
        gva_t other = rows[i].source_shared ? target : source;
        if (rows[i].start == code_two_push)
            other = GPR(RSP) - 8;
        if (rows[i].start == code_two_pop)
            other = GPR(RSP);
        memset(arena_share(rows[i].source_shared ? source : target), SHARE_SHARED, 3);
        EQUAL(world_run().reason, DBT_SHARED);
        EQUAL(dbt_run_one(world.dbt, &world.cpu).reason, DBT_ONE);
        CHECK(*arena_share(other) != SHARE_UNTOUCHED);
        tap_end("%s", rows[i].name);
    }
}

CODE(read_many, "mov rax, [rcx]\n mov rbx, [rcx+8]\n mov [rcx+16], rax\n hlt");

static void test_read_many(void)
{
    tap_begin();
    set_cells(SHARE_READ_MANY);
    world_start(CODE_BYTES(read_many));
    GPR(RCX) = world_guest(PLACE);
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(*arena_share(world_guest(PLACE)), SHARE_READ_MANY);
    EQUAL(*arena_share(world_guest(PLACE + 8)), SHARE_READ_MANY);
    EQUAL(*arena_share(world_guest(PLACE + 16)), SHARE_PENDING);
    tap_end("reads of what many read go on, and a write to it is reported");
}

int main(void)
{
    world_open(WORLD_ALL);
    bool avx = __builtin_cpu_supports("avx") != 0;
    for (unsigned i = 0; i < ACCESSES; i++) {
        if (accesses[i].size == 32 && !avx)
            continue;
        test_own(&accesses[i]);
        test_claim(&accesses[i]);
        test_stop(&accesses[i], WORLD_ALL);
        test_stop(&accesses[i], DBT_SHARE);
    }
    test_classes();
    test_unlogged_call();
    test_stack();
    test_two_operands();
    test_read_many();
    world_close();
    return tap_finish();
}
