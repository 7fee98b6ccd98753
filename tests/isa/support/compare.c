/* Comparison of outcomes. Pointers into the window differ by the distance of the two windows, everything
 * else must be equal bit for bit. */
#include "tests/isa/support/compare.h"

#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "tests/isa/support/native.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

static const char *const gpr_names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const kind_names[] = {"reached the exit", "divide or SIMD error", "undefined instruction",
                                         "access fault",     "trap",         "other"};

static bool memory_equal(const uint8_t *native, const uint8_t *guest, unsigned at)
{
    if (native[at] == guest[at])
        return true;
    /* Part of a stored pointer? */
    unsigned first = at >= 7 ? at - 7 : 0;
    for (unsigned i = first; i <= at && i + 8 <= MEMORY_SIZE; i++) {
        uint64_t n, g;
        memcpy(&n, native + i, 8);
        memcpy(&g, guest + i, 8);
        if (n != g && window_to_guest(n) == g)
            return true;
    }
    return false;
}

static bool compare_memory(const struct trial *t, const uint8_t *native, const uint8_t *guest, bool print)
{
    if (memcmp(native, guest, MEMORY_SIZE) == 0)
        return true;
    const unsigned flags_at = FLAGS_OFFSET - MEMORY_OFFSET;
    unsigned shown = 0;
    bool ok = true;
    for (unsigned i = 0; i < MEMORY_SIZE; i++) {
        if (native[i] == guest[i])
            continue;
        if (i >= flags_at && i < flags_at + 8) {
            uint64_t n, g;
            memcpy(&n, native + flags_at, 8);
            memcpy(&g, guest + flags_at, 8);
            if (((n ^ g) & t->flags_mask) != 0) {
                ok = false;
                if (print)
                    tap_note("  flags: expected %03x, got %03x (defined: %03x)", (unsigned)n & t->flags_mask,
                             (unsigned)g & t->flags_mask, t->flags_mask);
            }
            i = flags_at + 7;
            continue;
        }
        if (memory_equal(native, guest, i))
            continue;
        ok = false;
        if (print && shown++ < 8)
            tap_note("  memory +%#x: before %02x, expected %02x, got %02x", MEMORY_OFFSET + i, t->memory[i],
                     native[i], guest[i]);
    }
    return ok;
}

static void print_vector(const char *what, unsigned n, const uint8_t *v)
{
    char text[80];
    for (unsigned i = 0; i < 32; i++)
        sprintf(text + 2 * i, "%02x", v[31 - i]);
    tap_note("  ymm%u %s %s", n, what, text);
}

bool compare_outcomes(const struct trial *t, const struct outcome *native, const struct outcome *guest,
                      bool print)
{
    if (native->kind != guest->kind) {
        if (print)
            tap_note("  expected: %s (at +%#llx), got: %s (%s)", kind_names[native->kind],
                     (unsigned long long)(native->regs.rip - WINDOW_NATIVE), kind_names[guest->kind], guest->text);
        return false;
    }
    bool ok = true;
    if (native->kind != OUTCOME_EXIT && window_to_guest(native->regs.rip) != guest->regs.rip) {
        ok = false;
        if (print)
            tap_note("  rip: expected +%#llx, got +%#llx", (unsigned long long)(native->regs.rip - WINDOW_NATIVE),
                     (unsigned long long)(guest->regs.rip - WINDOW_GUEST));
    }
    for (unsigned i = 0; i < 16; i++) {
        uint64_t expected = window_to_guest(native->regs.gpr[i]);
        if (guest->regs.gpr[i] == expected)
            continue;
        ok = false;
        if (print)
            tap_note("  %s: before %016llx, expected %016llx, got %016llx", gpr_names[i],
                     (unsigned long long)window_to_guest(t->regs.gpr[i]), (unsigned long long)expected,
                     (unsigned long long)guest->regs.gpr[i]);
    }
    for (unsigned i = 0; i < 16; i++) {
        size_t n = native_has("avx") ? 32 : 16;
        if (memcmp(native->regs.ymm[i], guest->regs.ymm[i], n) == 0)
            continue;
        ok = false;
        if (print) {
            print_vector("before  ", i, t->regs.ymm[i]);
            print_vector("expected", i, native->regs.ymm[i]);
            print_vector("got     ", i, guest->regs.ymm[i]);
        }
    }
    if (native->regs.mxcsr != guest->regs.mxcsr) {
        ok = false;
        if (print)
            tap_note("  mxcsr: before %04x, expected %04x, got %04x", t->regs.mxcsr, native->regs.mxcsr,
                     guest->regs.mxcsr);
    }
    return compare_memory(t, native->memory, guest->memory, print) && ok;
}

bool compare_marks(const struct trial *t, const struct outcome *guest, bool print)
{
    bool ok = true;
    for (unsigned i = 0; i < MEMORY_SIZE; i++) {
        if (t->memory[i] == guest->memory[i] || i - (t->regs.gpr[REG_RSP] - WINDOW_NATIVE - MEMORY_OFFSET) < 8)
            continue;
        gva_t a = world_guest(MEMORY_OFFSET + i);
        if ((world.features & DBT_DIRTY) && !*arena_dirty(a)) {
            if (print)
                tap_note("  +%#x was written but its page is not marked dirty", MEMORY_OFFSET + i);
            ok = false;
            i |= RD_PAGE - 1;
            continue;
        }
        bool own_stack = i >= STACK_OFFSET - MEMORY_OFFSET && i < STACK_OFFSET - MEMORY_OFFSET + STACK_SIZE;
        if ((world.features & DBT_SHARE) && !world.single_step && !own_stack && *arena_share(a) != (1 | SHARE_WRITTEN)) {
            if (print)
                tap_note("  +%#x was written but its share cell is %#x", MEMORY_OFFSET + i, *arena_share(a));
            ok = false;
            i |= 7;
        }
    }
    return ok;
}

void compare_print_trial(const struct trial *t)
{
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    unsigned at = 0;
    for (unsigned n = 0; at < t->code_size && n < 40; n++) {
        ZydisDecodedInstruction i;
        ZydisDecodedOperand o[ZYDIS_MAX_OPERAND_COUNT];
        char text[128] = "(bad)", bytes[48] = "";
        unsigned length = 1;
        if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, t->code + at, t->code_size - at, &i, o))) {
            length = i.length;
            ZydisFormatterFormatInstruction(&formatter, &i, o, i.operand_count_visible, text, sizeof text,
                                            WINDOW_GUEST + CODE_OFFSET + t->place + at, NULL);
        }
        for (unsigned k = 0; k < length; k++)
            sprintf(bytes + 3 * k, "%02x ", t->code[at + k]);
        tap_note("  +%04x %-32s %s", CODE_OFFSET + t->place + at, bytes, text);
        at += length;
    }
    for (unsigned i = 0; i < 16; i += 4)
        tap_note("  %3s=%016llx %3s=%016llx %3s=%016llx %3s=%016llx", gpr_names[i],
                 (unsigned long long)window_to_guest(t->regs.gpr[i]), gpr_names[i + 1],
                 (unsigned long long)window_to_guest(t->regs.gpr[i + 1]), gpr_names[i + 2],
                 (unsigned long long)window_to_guest(t->regs.gpr[i + 2]), gpr_names[i + 3],
                 (unsigned long long)window_to_guest(t->regs.gpr[i + 3]));
    tap_note("  rflags=%03llx mxcsr=%04x window=%016llx", (unsigned long long)t->regs.rflags, t->regs.mxcsr,
             (unsigned long long)WINDOW_GUEST);
}

/* Whether checks took their short or their long way must not show, not even in undefined flags. */
static bool compare_warm(const struct trial *t, const struct outcome *cold, bool print)
{
    static struct outcome warm;
    world.keep_shares = true;
    world_run_trial(t, true, &warm);
    world.keep_shares = false;
    if (memcmp(&cold->regs, &warm.regs, sizeof warm.regs) == 0 && memcmp(cold->memory, warm.memory, MEMORY_SIZE) == 0)
        return true;
    if (print) {
        uint64_t c, w;
        memcpy(&c, cold->memory + FLAGS_OFFSET - MEMORY_OFFSET, 8);
        memcpy(&w, warm.memory + FLAGS_OFFSET - MEMORY_OFFSET, 8);
        tap_note("  with cold and with warm share cells the results differ: rflags %03x and %03x, stored flags %03x and %03x",
                 (unsigned)cold->regs.rflags, (unsigned)warm.regs.rflags, (unsigned)c, (unsigned)w);
    }
    return false;
}

bool compare_run(const struct trial *t, bool print)
{
    static struct outcome native, guest;
    native_run(t, &native);
    bool ok = true;
    for (int again = 0; again < 2 && ok; again++) {
        world_run_trial(t, again, &guest);
        ok = compare_outcomes(t, &native, &guest, print);
        ok = compare_marks(t, &guest, print) && ok;
        if (ok && again && world.features & DBT_SHARE)
            ok = compare_warm(t, &guest, print);
        if (!ok && print) {
            tap_note("  features %#x, %s translation:", world.features, again ? "cached" : "fresh");
            compare_print_trial(t);
        }
    }
    return ok;
}
