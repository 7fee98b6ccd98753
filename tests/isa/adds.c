/*
 * Interlocked additions whose outcome nobody looks at (machine/dbt/adds.c): which instructions count, and what the scan ahead
 * takes for a look. rcx holds the address of the memory that is added to.
 */
#include <string.h>

#include "tests/isa/support/code.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define PLACE (DATA_OFFSET + 0x800)
#define POINTED (DATA_OFFSET + 0x900)

CODE(add4, "lock add dword ptr [rcx], 5; xor eax, eax; hlt");
CODE(add8, "lock add qword ptr [rcx], rdx; xor eax, eax; hlt");
CODE(sub4, "lock sub dword ptr [rcx], edx; xor eax, eax; hlt");
CODE(inc4, "lock inc dword ptr [rcx]; add eax, 1; hlt");
CODE(dec8, "lock dec qword ptr [rcx]; test eax, eax; jz 1f; nop; 1: hlt");
CODE(moves, "lock inc dword ptr [rcx]; mov rax, [rcx]; lea rdx, [rax + rax]; xor eax, eax; hlt");
CODE(xadd_dead, "lock xadd dword ptr [rcx], eax; mov eax, 1; test eax, eax; hlt");
CODE(both_ways, "lock inc dword ptr [rcx]; mov eax, edx; jrcxz 1f; xor edx, edx; hlt; 1: add edx, eax; hlt");
CODE(calls, "lock inc dword ptr [rcx]; call 1f; hlt; 1: sub rsp, 8; hlt");
CODE(returns, "lock inc dword ptr [rcx]; pop rbx; ret; 1: xor eax, eax; hlt");

CODE(unlocked, "add dword ptr [rcx], 5; xor eax, eax; hlt");
CODE(narrow, "lock inc word ptr [rcx]; xor eax, eax; hlt");
CODE(byte, "lock inc byte ptr [rcx]; xor eax, eax; hlt");
CODE(misaligned, "lock inc dword ptr [rcx + 2]; xor eax, eax; hlt");
CODE(exchange, "lock cmpxchg dword ptr [rcx], edx; xor eax, eax; hlt");
CODE(carries, "lock adc dword ptr [rcx], 0; xor eax, eax; hlt");
CODE(ors, "lock or dword ptr [rcx], 1; xor eax, eax; hlt");
CODE(jumps, "lock dec dword ptr [rcx]; jz 1f; nop; 1: xor eax, eax; hlt");
CODE(sets, "lock dec dword ptr [rcx]; sete al; xor eax, eax; hlt");
CODE(keeps_carry, "lock add dword ptr [rcx], 5; inc eax; jc 1f; nop; 1: hlt");
CODE(shifts, "lock inc dword ptr [rcx]; shl edx, cl; jz 1f; nop; 1: hlt");
CODE(pushes, "lock inc dword ptr [rcx]; pushfq; xor eax, eax; hlt");
CODE(halts, "lock inc dword ptr [rcx]; hlt");
CODE(xadd_used, "lock xadd dword ptr [rcx], eax; test edx, edx; mov edx, eax; hlt");
CODE(xadd_half, "lock xadd qword ptr [rcx], rax; test edx, edx; mov al, 1; mov edx, eax; hlt");
CODE(one_way, "lock inc dword ptr [rcx]; mov eax, edx; jrcxz 1f; xor edx, edx; hlt; 1: adc edx, eax; hlt");
CODE(callee, "lock dec dword ptr [rcx]; call 1f; xor eax, eax; hlt; 1: sete al; ret");
CODE(after_call, "lock inc dword ptr [rcx]; call 1f; xor eax, eax; hlt; 1: ret");
CODE(caller, "lock dec dword ptr [rcx]; pop rbx; ret; 1: sete al; xor eax, eax; hlt");
CODE(register, "lock inc dword ptr [rcx]; jmp rax");
CODE(endless, "lock inc dword ptr [rcx]; 1: jmp 1b");

static const struct {
    const uint8_t *code, *end;
    bool adds;
    const char *name;
} rows[] = {
#define ROW(name, adds, text) {code_##name, code_##name##_end, adds, text}
    ROW(add4, true, "LOCK ADD of four bytes is an addition"),
    ROW(add8, true, "LOCK ADD of eight bytes is an addition"),
    ROW(sub4, true, "LOCK SUB is an addition"),
    ROW(inc4, true, "LOCK INC is an addition"),
    ROW(dec8, true, "LOCK DEC is an addition when the jump behind it tests something else"),
    ROW(moves, true, "instructions without flags in between change nothing"),
    ROW(xadd_dead, true, "LOCK XADD is an addition when its register is overwritten unread"),
    ROW(both_ways, true, "flags that are overwritten on both ways are dead"),
    ROW(calls, true, "flags that a callee overwrites are dead"),
    ROW(unlocked, false, "ADD without LOCK is a write"),
    ROW(narrow, false, "two bytes are a write"),
    ROW(byte, false, "one byte is a write"),
    ROW(misaligned, false, "a misaligned addition is a write"),
    ROW(exchange, false, "LOCK CMPXCHG is a write"),
    ROW(carries, false, "LOCK ADC is a write"),
    ROW(ors, false, "LOCK OR is a write"),
    ROW(jumps, false, "a jump on the outcome looks at it"),
    ROW(sets, false, "SETcc on the outcome looks at it"),
    ROW(keeps_carry, false, "a flag that the next instruction keeps can be looked at behind it"),
    ROW(shifts, false, "a shift by a variable count may keep the flags"),
    ROW(pushes, false, "PUSHF looks at the flags"),
    ROW(halts, false, "nothing is certain behind HLT"),
    ROW(xadd_used, false, "LOCK XADD is a write when its register is read"),
    ROW(xadd_half, false, "a register of which a byte is overwritten is still read"),
    ROW(one_way, false, "flags that are read on one way are looked at"),
    ROW(callee, false, "a callee may look at flags"),
    ROW(after_call, false, "where a callee returns to is not followed"),
    ROW(register, false, "an indirect jump may lead anywhere"),
    ROW(endless, false, "a scan that finds no end is not certain"),
};

static bool ask(const uint8_t *code, const uint8_t *end)
{
    world_start(code, (unsigned)(end - code));
    world.cpu.regs.gpr[REG_RCX] = world_guest(PLACE);
    return dbt_adds(world.dbt, &world.cpu);
}

/* The caller's code lies behind the routine's RET. */
static bool ask_returning(const uint8_t *code, const uint8_t *end)
{
    const uint8_t *ret = memchr(code, 0xC3, (size_t)(end - code));
    world_start(code, (unsigned)(end - code));
    world.cpu.regs.gpr[REG_RCX] = world_guest(PLACE);
    world.cpu.regs.gpr[REG_RSP] -= 64;
    gva_t rsp = world.cpu.regs.gpr[REG_RSP];
    *(uint64_t *)arena_host(rsp + 8) = world_guest(CODE_OFFSET) + (uint64_t)(ret + 1 - code);
    return dbt_adds(world.dbt, &world.cpu);
}

static void test_returns(void)
{
    world_clear_shares();
    tap_begin();
    CHECK(ask_returning(code_returns, code_returns_end));
    tap_end("flags that the caller overwrites behind a return are dead");
    tap_begin();
    CHECK(!ask_returning(code_caller, code_caller_end));
    tap_end("a caller may look at flags");
    tap_begin();
    memset(arena_share(world_guest(STACK_OFFSET)), SHARE_SHARED, STACK_SIZE / 8);
    CHECK(!ask_returning(code_returns, code_returns_end));
    world_clear_shares();
    tap_end("a return address that others can write is not certain");
}

static void test_imports(void)
{
    static const uint8_t overwrites[] = {0x31, 0xC0, 0xF4}; /* xor eax, eax; hlt */
    uint8_t code[16] = {0xF0, 0xFF, 0x01, 0xFF, 0x25};      /* lock inc dword ptr [rcx]; jmp [rip + disp] */
    int32_t disp = (int32_t)(POINTED - (CODE_OFFSET + 9));
    memcpy(code + 5, &disp, sizeof disp);
    memcpy(world_host(EXIT_OFFSET), overwrites, sizeof overwrites);
    *(uint64_t *)world_host(POINTED) = world_guest(EXIT_OFFSET);
    tap_begin();
    CHECK(ask(code, code + 9));
    tap_end("flags that a routine of the kernel overwrites are dead");
    tap_begin();
    world.ranges[1].image = 2;
    CHECK(!ask(code, code + 9));
    world.ranges[1].image = 0;
    tap_end("another driver's code, which may go away, is not looked at");
    tap_begin();
    *arena_share(world_guest(POINTED)) = SHARE_SHARED;
    CHECK(!ask(code, code + 9));
    world_clear_shares();
    tap_end("a pointer that others can write is not certain");
}

int main(void)
{
    world_open(WORLD_ALL);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_begin();
        EQUAL(ask(rows[i].code, rows[i].end), rows[i].adds);
        tap_end("%s", rows[i].name);
    }
    test_returns();
    test_imports();
    world_close();
    return tap_finish();
}
