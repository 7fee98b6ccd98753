/*
 * What memory checks let through and what they stop: shadow codes at every size, partial granules,
 * wild pointers, the stack's edge, read-only pages. After a stop the registers and the memory are
 * as before the instruction.
 */
#include <stdio.h>
#include <string.h>

#include "abi/shadow.h"
#include "tests/isa/support/code.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define RIP_OFFSET ((unsigned)(world.cpu.regs.rip - WINDOW_GUEST))
#define GPR(r) world.cpu.regs.gpr[REG_##r]
#define PLACE (DATA_OFFSET + 0x800)

/* A form of access by [rcx]; code is "mov eax, 5" (5 bytes), the access, hlt. */
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
    {{0x0F, 0x10, 0x01}, 3, 16, false, "movups xmm0, [rcx]"},
    {{0xC5, 0xFC, 0x10, 0x01}, 4, 32, false, "vmovups ymm0, [rcx]"},
    {{0x88, 0x11}, 2, 1, true, "mov [rcx], dl"},
    {{0x66, 0x89, 0x11}, 3, 2, true, "mov [rcx], dx"},
    {{0x89, 0x11}, 2, 4, true, "mov [rcx], edx"},
    {{0x48, 0x89, 0x11}, 3, 8, true, "mov [rcx], rdx"},
    {{0x0F, 0x11, 0x01}, 3, 16, true, "movups [rcx], xmm0"},
    {{0xC5, 0xFC, 0x11, 0x01}, 4, 32, true, "vmovups [rcx], ymm0"},
    {{0x01, 0x11}, 2, 4, true, "add [rcx], edx"},
    {{0xF0, 0x48, 0x0F, 0xC1, 0x11}, 5, 8, true, "lock xadd [rcx], rdx"},
    {{0x87, 0x11}, 2, 4, true, "xchg [rcx], edx"},
    {{0xC7, 0x01, 1, 2, 3, 4}, 6, 4, true, "mov dword ptr [rcx], imm"},
    {{0xFF, 0x31}, 2, 8, false, "push [rcx]"},
    {{0x8F, 0x01}, 2, 8, true, "pop [rcx]"},
};
#define ACCESSES (sizeof accesses / sizeof *accesses)

static void start_access(const struct access *a, gva_t address)
{
    uint8_t code[32] = {0xB8, 5, 0, 0, 0};
    memcpy(code + 5, a->bytes, a->length);
    code[5 + a->length] = 0xF4;
    world_start(code, 6 + a->length);
    GPR(RCX) = address;
}

static bool stopped_before(const struct access *a, const struct dbt_exit *x, gva_t address,
                           uint64_t rsp)
{
    bool ok = true;
    ok &= EQUAL(x->address, address);
    ok &= EQUAL(x->write, a->write);
    ok &= EQUAL(RIP_OFFSET, 5);
    if (world.features & DBT_BUDGETS)
        ok &= EQUAL(world.cpu.retired, 1);
    ok &= EQUAL(GPR(RAX), 5);
    ok &= EQUAL(GPR(RCX), address);
    ok &= EQUAL(GPR(RSP), rsp);
    for (unsigned r = REG_RDX; r < 16; r++)
        if (r != REG_RSP)
            ok &= EQUAL(world.cpu.regs.gpr[r], world_mark(r));
    return ok;
}

static const uint8_t bad_codes[] = {
    RD_SHADOW_POOL_FREED, RD_SHADOW_POOL_RIGHT, RD_SHADOW_POOL_LEFT, RD_SHADOW_UNMAPPED,
    RD_SHADOW_UNLOADED,   RD_SHADOW_IMAGE_HOLE, RD_SHADOW_POOL_FRESH};

static void test_poison(const struct access *a)
{
    tap_begin();
    uint8_t before[0x80], after[0x80];
    for (unsigned c = 0; c < sizeof bad_codes; c++) {
        /* One bad granule; the access slides over it. */
        *arena_shadow(world_guest(PLACE + 0x40)) = bad_codes[c];
        bool shown = false;
        for (int at = 0x40 - (int)a->size - 2; at < 0x4A && !shown; at++) {
            bool bad = at + (int)a->size > 0x40 && at < 0x48;
            gva_t address = world_guest(PLACE) + (gva_t)at;
            memset(world_host(PLACE), 0x33, sizeof before);
            memcpy(before, world_host(PLACE), sizeof before);
            start_access(a, address);
            uint64_t rsp = GPR(RSP);
            struct dbt_exit x = world_run();
            if (!EQUAL(x.reason, bad ? DBT_BAD_ACCESS : DBT_HALT)) {
                tap_note("  at offset %d from the bad granule", at - 0x40);
                shown = true;
            } else if (bad) {
                memcpy(after, world_host(PLACE), sizeof after);
                bool ok = stopped_before(a, &x, address, rsp) & EQUAL(x.shadow, bad_codes[c]) &
                          EQUAL(x.size, a->size) & CHECK(memcmp(before, after, sizeof before) == 0);
                if (!ok)
                    tap_note("  at offset %d from the bad granule", at - 0x40);
                shown = !ok;
            }
        }
        *arena_shadow(world_guest(PLACE + 0x40)) = RD_SHADOW_VALID;
    }
    tap_end("%s stops before exactly the bad granules", a->name);
}

static void test_partial(const struct access *a)
{
    tap_begin();
    for (unsigned valid = 1; valid < 8; valid++) {
        *arena_shadow(world_guest(PLACE + 0x40)) = (uint8_t)valid;
        *arena_shadow(world_guest(PLACE + 0x48)) = RD_SHADOW_POOL_RIGHT;
        for (int at = 0x40 - (int)a->size; at < 0x50; at++) {
            bool bad = at + (int)a->size > 0x40 + (int)valid && at < 0x50;
            start_access(a, world_guest(PLACE) + (gva_t)at);
            struct dbt_exit x = world_run();
            if (!EQUAL(x.reason, bad ? DBT_BAD_ACCESS : DBT_HALT)) {
                tap_note("  %u valid bytes, at offset %d", valid, at - 0x40);
                break;
            }
        }
    }
    arena_set_shadow(world_guest(PLACE + 0x40), 16, RD_SHADOW_VALID);
    tap_end("%s honours partly valid granules", a->name);
}

static void test_wild(unsigned features, const char *mode, bool avx)
{
    static const gva_t wild[] = {0x0,
                                 0x8,
                                 0xFFF0,
                                 0x0000000012345678ull,
                                 0x00007FFFFFFF0000ull,
                                 0x00007FF612340000ull,
                                 0x0000700000000001ull,
                                 0x0000800000000000ull,
                                 0x4141414141414141ull,
                                 0xDEADBEEFDEADBEEFull,
                                 0x8000000000000000ull,
                                 0xFFFF000000000000ull,
                                 0xFFFF800000000000ull,
                                 0xFFFFD80000000000ull,
                                 0xFFFFF80004000000ull,
                                 0xFFFFF7FFFFFFFFF0ull,
                                 0xFFFFFA8004000010ull,
                                 0xFFFFFFFF80000000ull,
                                 0xFFFFFFFFFFFFFF00ull,
                                 0xFFFFFFFFFFFFFFC8ull};
    world_set_features(features);
    for (unsigned i = 0; i < ACCESSES; i++) {
        const struct access *a = &accesses[i];
        if (a->size == 32 && !avx)
            continue;
        tap_begin();
        for (unsigned w = 0; w < sizeof wild / sizeof *wild; w++) {
            start_access(a, wild[w]);
            uint64_t rsp = GPR(RSP);
            struct dbt_exit x = world_run();
            bool ok = CHECK(x.reason == DBT_BAD_ACCESS || x.reason == DBT_FAULT) &&
                      stopped_before(a, &x, wild[w], rsp);
            if (!ok) {
                tap_note("  wild address %#llx, exit %s at %#llx", (unsigned long long)wild[w],
                         world_exit_name(x.reason), (unsigned long long)x.address);
                break;
            }
        }
        tap_end("%s stops at wild pointers, %s", a->name, mode);
    }
    world_set_features(WORLD_CHECKED);
}

static void test_read_only(const struct access *a, unsigned features, const char *mode)
{
    gva_t page = world_guest(DATA_OFFSET) + RD_PAGE;
    world_set_features(features);
    tap_begin();
    arena_protect(page, RD_PAGE, false);
    const int size = (int)a->size;
    const int offsets[] = {-size, 1 - size, -size / 2, -1, 0, 8, 0x33};
    for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        gva_t address = page + (gva_t)offsets[i];
        bool crosses = address + a->size > page;
        start_access(a, address);
        uint64_t rsp = GPR(RSP);
        struct dbt_exit x = world_run();
        if (!EQUAL(x.reason, a->write && crosses ? DBT_FAULT : DBT_HALT))
            tap_note("  at offset %d of the page", offsets[i]);
        else if (x.reason == DBT_FAULT)
            stopped_before(a, &x, address, rsp);
    }
    arena_protect(page, RD_PAGE, true);
    tap_end("%s %s a read-only page, %s", a->name, a->write ? "faults on" : "reads", mode);
    world_set_features(WORLD_CHECKED);
}

CODE(below_stack, "mov rax, [rsp]\n mov rbx, [rsp-8]\n hlt");
CODE(below_by_copy, "lea rdx, [rsp-0x10]\n mov [rdx], rax\n hlt");
CODE(above_by_copy, "lea rdx, [rsp+0x10]\n mov [rdx], rax\n mov rbx, [rdx]\n hlt");
CODE(push_out, "push rax\n push rcx\n hlt");
CODE(call_out, "call 1f\n hlt\n 1: hlt");
CODE(pop_out, "pop rax\n pop rcx\n hlt");
CODE(ret_out, "nop\n ret");
CODE(stack_copy, "mov rsi, rsp\n lea rdi, [rsp+0x20]\n mov ecx, 2\n rep movsq\n hlt");

static void test_stack(void)
{
    tap_begin();
    world_start(CODE_BYTES(below_stack));
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_BAD_ACCESS);
    EQUAL(x.shadow, RD_SHADOW_STACK);
    EQUAL(x.address, GPR(RSP) - 8);
    EQUAL(RIP_OFFSET, 4);
    tap_end("a load from below the stack pointer is stopped");

    tap_begin();
    world_start(CODE_BYTES(below_by_copy));
    x = world_run();
    EQUAL(x.reason, DBT_BAD_ACCESS);
    EQUAL(x.shadow, RD_SHADOW_STACK);
    CHECK(x.write);
    EQUAL(RIP_OFFSET, 5);
    tap_end("a store through a pointer into a dead frame is stopped");

    tap_begin();
    world_start(CODE_BYTES(above_by_copy));
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RBX), world_mark(REG_RAX));
    tap_end("a pointer into a live frame is good");

    tap_begin();
    world_start(CODE_BYTES(stack_copy));
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RCX), 0);
    tap_end("a string copy within the live stack is good");

    arena_set_shadow(world_guest(STACK_OFFSET) - 0x100, 0x100, RD_SHADOW_STACK_GUARD);
    tap_begin();
    world_start(CODE_BYTES(push_out));
    GPR(RSP) = world_guest(STACK_OFFSET) + 8;
    x = world_run();
    EQUAL(x.reason, DBT_BAD_ACCESS);
    EQUAL(x.shadow, RD_SHADOW_STACK_GUARD);
    EQUAL(x.address, world_guest(STACK_OFFSET) - 8);
    CHECK(x.write);
    EQUAL(RIP_OFFSET, 1);
    EQUAL(GPR(RSP), world_guest(STACK_OFFSET));
    tap_end("a push into the guard zone is stopped with the stack pointer unchanged");

    tap_begin();
    world_start(CODE_BYTES(call_out));
    GPR(RSP) = world_guest(STACK_OFFSET);
    x = world_run();
    EQUAL(x.reason, DBT_BAD_ACCESS);
    EQUAL(x.address, world_guest(STACK_OFFSET) - 8);
    EQUAL(RIP_OFFSET, 0);
    EQUAL(GPR(RSP), world_guest(STACK_OFFSET));
    tap_end("a call that would push into the guard zone is stopped at the call");
    arena_set_shadow(world_guest(STACK_OFFSET) - 0x100, 0x100, RD_SHADOW_VALID);

    gva_t top = world_guest(PCR_OFFSET + PCR_SIZE);
    tap_begin();
    tap_known("pops are not checked against shadow memory");
    world_start(CODE_BYTES(pop_out));
    GPR(RSP) = top - 8;
    x = world_run();
    EQUAL(x.reason, DBT_BAD_ACCESS);
    EQUAL(x.address, top);
    EQUAL(RIP_OFFSET, 1);
    EQUAL(GPR(RSP), top);
    EQUAL(GPR(RCX), world_mark(REG_RCX));
    tap_end("a pop from beyond the stack is stopped");

    tap_begin();
    tap_known("pops are not checked against shadow memory");
    world_start(CODE_BYTES(ret_out));
    GPR(RSP) = top;
    x = world_run();
    EQUAL(x.reason, DBT_BAD_ACCESS);
    EQUAL(x.address, top);
    EQUAL(RIP_OFFSET, 1);
    EQUAL(GPR(RSP), top);
    tap_end("a ret from beyond the stack is stopped at the ret");
}

CODE(frame, "call 1f\n hlt\n 1: lea rdx, [rsp]\n mov rbx, [rdx]\n push rcx\n pop rcx\n cmp rbx, rbx\n ret");
#define FRAME_RET 18

/* The slot of a return address that somebody watches. */
static void test_frames(unsigned features, const char *name)
{
    world_set_features(features);
    tap_begin();
    world_start(CODE_BYTES(frame));
    gva_t slot = GPR(RSP) - 8;
    arena_set_shadow(slot, 8, RD_SHADOW_FRAME);
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_FRAME);
    EQUAL(x.address, slot);
    EQUAL(RIP_OFFSET, FRAME_RET);
    EQUAL(GPR(RSP), slot);
    EQUAL(GPR(RBX), world_guest(CODE_OFFSET) + 5);
    arena_set_shadow(slot, 8, RD_SHADOW_STACK);
    EQUAL(dbt_run_one(world.dbt, &world.cpu).reason, DBT_ONE);
    EQUAL(RIP_OFFSET, 5);
    EQUAL(GPR(RSP), slot + 8);
    CHECK(world.cpu.regs.rflags & 0x40); /* flags pass through returns */
    tap_end("a return through a watched slot is stopped before it happens, all else is not, %s", name);

    tap_begin();
    world_start(CODE_BYTES(frame));
    GPR(RSP) -= 8;
    *(uint64_t *)arena_host(GPR(RSP)) = world_guest(CODE_OFFSET) + 5;
    world.cpu.regs.rip += FRAME_RET;
    arena_set_shadow(slot, 8, RD_SHADOW_FRAME);
    EQUAL(dbt_run_one(world.dbt, &world.cpu).reason, DBT_FRAME);
    EQUAL(RIP_OFFSET, FRAME_RET);
    arena_set_shadow(slot, 8, RD_SHADOW_STACK);
    tap_end("so is a single return, %s", name);
    world_set_features(WORLD_CHECKED);
}

CODE(rep_copy, "rep movsb\n hlt");
CODE(rep_fill, "rep stosq\n hlt");

/* A string operation may have done part of its work: whole elements, and registers that say so. */
static void test_strings(void)
{
    uint8_t *host = world_host(DATA_OFFSET);
    for (int reading = 0; reading < 2; reading++) {
        tap_begin();
        memset(host, 1, DATA_SIZE);
        memset(host + 0x100, 2, 0x80);
        gva_t bad = world_guest(DATA_OFFSET) + (reading ? 0x140 : 0x840);
        *arena_shadow(bad) = RD_SHADOW_POOL_FREED;
        world_start(CODE_BYTES(rep_copy));
        GPR(RSI) = world_guest(DATA_OFFSET) + 0x100;
        GPR(RDI) = world_guest(DATA_OFFSET) + 0x800;
        GPR(RCX) = 0x80;
        struct dbt_exit x = world_run();
        EQUAL(x.reason, DBT_BAD_ACCESS);
        EQUAL(x.write, !reading);
        EQUAL(x.shadow, RD_SHADOW_POOL_FREED);
        EQUAL(RIP_OFFSET, 0);
        uint64_t done = 0x80 - GPR(RCX);
        CHECK(done <= 0x40);
        EQUAL(GPR(RSI), world_guest(DATA_OFFSET) + 0x100 + done);
        EQUAL(GPR(RDI), world_guest(DATA_OFFSET) + 0x800 + done);
        bool exact = true;
        for (unsigned i = 0; i < 0x80; i++)
            exact &= host[0x800 + i] == (i < done ? 2 : 1);
        CHECK(exact);
        CHECK(x.address >= (reading ? GPR(RSI) : GPR(RDI)) && x.address <= bad);
        *arena_shadow(bad) = RD_SHADOW_VALID;
        tap_end("rep movsb stops before a bad byte that it would %s", reading ? "read" : "write");
    }
    tap_begin();
    gva_t page = world_guest(DATA_OFFSET) + RD_PAGE;
    arena_protect(page, RD_PAGE, false);
    memset(host, 1, RD_PAGE);
    world_start(CODE_BYTES(rep_fill));
    GPR(RDI) = page - 0x40;
    GPR(RCX) = 32;
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_FAULT);
    CHECK(x.write);
    EQUAL(RIP_OFFSET, 0);
    uint64_t done = 32 - GPR(RCX);
    CHECK(done <= 8);
    EQUAL(GPR(RDI), page - 0x40 + 8 * done);
    arena_protect(page, RD_PAGE, true);
    tap_end("rep stosq faults at a read-only page");

    tap_begin();
    *arena_shadow(world_guest(PLACE)) = RD_SHADOW_POOL_FREED;
    world_start(CODE_BYTES(rep_copy));
    GPR(RSI) = GPR(RDI) = world_guest(PLACE);
    GPR(RCX) = 0;
    EQUAL(world_run().reason, DBT_HALT);
    *arena_shadow(world_guest(PLACE)) = RD_SHADOW_VALID;
    tap_end("rep movsb of nothing accesses nothing");
}

/* rip-relative operands at window offset 0x6840. */
CODE(fixed_load, "mov eax, 5\n mov rax, [rip+here_fixed_load+0x6840]\n hlt");
CODE(fixed_store, "mov eax, 5\n mov [rip+here_fixed_store+0x6840], rcx\n hlt");
CODE(fixed_add, "mov eax, 5\n add dword ptr [rip+here_fixed_add+0x6844], 7\n hlt");
CODE(fixed_push, "mov eax, 5\n push [rip+here_fixed_push+0x6840]\n hlt");
CODE(fixed_pop, "mov eax, 5\n pop [rip+here_fixed_pop+0x6840]\n hlt");
CODE(fixed_call, "mov eax, 5\n call [rip+here_fixed_call+0x6840]\n hlt");
CODE(fixed_jump, "mov eax, 5\n jmp [rip+here_fixed_jump+0x6840]\n hlt");
CODE(fixed_vector, "mov eax, 5\n movaps [rip+here_fixed_vector+0x6840], xmm3\n hlt");
CODE(fixed_unaligned, "mov eax, 5\n mov [rip+here_fixed_unaligned+0x683D], rcx\n hlt");
CODE(fixed_lock, "mov eax, 5\n lock inc qword ptr [rip+here_fixed_lock+0x6840]\n hlt");
CODE(fixed_set, "mov eax, 5\n setz [rip+here_fixed_set+0x6841]\n hlt");

static void test_fixed(unsigned features, const char *mode)
{
    static const struct {
        const uint8_t *start, *end;
        uint32_t offset;
        bool write;
        const char *name;
    } rows[] = {
#define ROW(code, offset, write, text) {code_##code, code_##code##_end, offset, write, text}
        ROW(fixed_load, 0x6840, false, "a load"),
        ROW(fixed_store, 0x6840, true, "a store"),
        ROW(fixed_add, 0x6844, true, "an addition"),
        ROW(fixed_push, 0x6840, false, "a push"),
        ROW(fixed_pop, 0x6840, true, "a pop"),
        ROW(fixed_call, 0x6840, false, "a call"),
        ROW(fixed_jump, 0x6840, false, "a jump"),
        ROW(fixed_vector, 0x6840, true, "a vector store"),
        ROW(fixed_unaligned, 0x683D, true, "an unaligned store"),
        ROW(fixed_lock, 0x6840, true, "a locked increment"),
        ROW(fixed_set, 0x6841, true, "a setz"),
    };
    world_set_features(features);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_begin();
        *arena_shadow(world_guest(0x6840)) = RD_SHADOW_POOL_FREED;
        world_start(rows[i].start, (unsigned)(rows[i].end - rows[i].start));
        gva_t rsp = GPR(RSP);
        struct dbt_exit x = world_run();
        EQUAL(x.reason, DBT_BAD_ACCESS);
        EQUAL(x.address, world_guest(rows[i].offset));
        EQUAL(x.write, rows[i].write);
        EQUAL(x.shadow, RD_SHADOW_POOL_FREED);
        EQUAL(RIP_OFFSET, 5);
        EQUAL(GPR(RSP), rsp);
        *arena_shadow(world_guest(0x6840)) = RD_SHADOW_VALID;
        tap_end("%s at a bad fixed address is stopped, %s", rows[i].name, mode);
    }
    world_set_features(WORLD_CHECKED);
}

CODE(user, "mov rax, [rcx]\n add qword ptr [rcx+8], 5\n mov rdx, [rcx+8]\n movups xmm0, [rcx]\n"
           "hlt");
CODE(low, ".byte 0x67\n mov rax, [rcx]\n .byte 0x67\n add qword ptr [rcx+8], 5\n hlt");
CODE(no_access, "nop dword ptr [rcx]\n prefetcht0 [rcx]\n lea rdx, [rcx+8]\n prefetchw [rcx]\n"
                "hlt");

static void test_others(void)
{
    tap_begin();
    arena_set_shadow(RD_USER_BASE, 0x100, RD_SHADOW_VALID);
    uint64_t words[2] = {0x1234, 37};
    CHECK(arena_write(RD_USER_BASE + 0x20, words, sizeof words));
    world_start(CODE_BYTES(user));
    GPR(RCX) = RD_USER_BASE + 0x20;
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RAX), 0x1234);
    EQUAL(GPR(RDX), 42);
    tap_end("user-half buffers are readable and writable");

    tap_begin();
    world_start(CODE_BYTES(low));
    GPR(RCX) = 0xFFFFFFFF00000000ull | (RD_USER_BASE + 0x20);
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RAX), 0x1234);
    CHECK(arena_read(RD_USER_BASE + 0x20, words, sizeof words));
    EQUAL(words[1], 47);
    tap_end("a 32-bit address size truncates addresses");

    tap_begin();
    world_start(CODE_BYTES(user));
    GPR(RCX) = RD_USER_BASE + 0xFC;
    struct dbt_exit x = world_run();
    EQUAL(x.reason, DBT_BAD_ACCESS);
    EQUAL(x.address, RD_USER_BASE + 0xFC);
    tap_end("an access over the end of a user-half buffer is stopped");

    tap_begin();
    world_start(CODE_BYTES(no_access));
    GPR(RCX) = 0x4141414141414141ull;
    EQUAL(world_run().reason, DBT_HALT);
    EQUAL(GPR(RDX), 0x4141414141414149ull);
    tap_end("no-ops, prefetches and lea check no address");
}

int main(void)
{
    world_open(WORLD_CHECKED);
    bool avx = __builtin_cpu_supports("avx") != 0;
    for (unsigned i = 0; i < ACCESSES; i++)
        if (accesses[i].size < 32 || avx)
            test_poison(&accesses[i]);
    for (unsigned i = 0; i < ACCESSES; i++)
        if (accesses[i].size < 32 || avx)
            test_partial(&accesses[i]);
    test_wild(DBT_SHADOW, "with shadow checks", avx);
    test_wild(WORLD_ALL, "with all instrumentation", avx);
    for (unsigned i = 0; i < ACCESSES; i++)
        if (accesses[i].size < 32 || avx) {
            test_read_only(&accesses[i], WORLD_PLAIN, "plain");
            test_read_only(&accesses[i], WORLD_ALL, "with all instrumentation");
        }
    test_stack();
    test_frames(WORLD_CHECKED | DBT_FRAMES, "with shadow checks");
    test_frames(WORLD_ALL, "with all instrumentation");
    test_strings();
    test_others();
    test_fixed(DBT_SHADOW, "with shadow checks");
    test_fixed(WORLD_ALL, "with all instrumentation");
    world_close();
    return tap_finish();
}
