/* Comparison of outcomes. Pointers into the window differ by the distance of the two windows,
 * everything else must be equal bit for bit. */
#include "tests/isa/support/compare.h"

#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "base/error.h"
#include "tests/isa/support/native.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

static const char *const gpr_names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const kind_names[] = {"reached the exit",
                                         "divide or SIMD error",
                                         "undefined instruction",
                                         "access fault",
                                         "trap",
                                         "other"};

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

static bool compare_memory(const struct trial *t, const uint8_t *native, const uint8_t *guest,
                           bool print)
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
                    tap_note("  flags: expected %03x, got %03x (defined: %03x)",
                             (unsigned)n & t->flags_mask, (unsigned)g & t->flags_mask,
                             t->flags_mask);
            }
            i = flags_at + 7;
            continue;
        }
        if (memory_equal(native, guest, i))
            continue;
        ok = false;
        if (print && shown++ < 8)
            tap_note("  memory +%#x: before %02x, expected %02x, got %02x", MEMORY_OFFSET + i,
                     t->memory[i], native[i], guest[i]);
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

bool compare_outcomes(const struct trial *t, const struct outcome *native,
                      const struct outcome *guest, bool print)
{
    if (native->kind != guest->kind) {
        if (print)
            tap_note("  expected: %s (at +%#llx), got: %s (%s)", kind_names[native->kind],
                     (unsigned long long)(native->regs.rip - WINDOW_NATIVE),
                     kind_names[guest->kind], guest->text);
        return false;
    }
    bool ok = true;
    if (native->kind != OUTCOME_EXIT && window_to_guest(native->regs.rip) != guest->regs.rip) {
        ok = false;
        if (print)
            tap_note("  rip: expected +%#llx, got +%#llx",
                     (unsigned long long)(native->regs.rip - WINDOW_NATIVE),
                     (unsigned long long)(guest->regs.rip - WINDOW_GUEST));
    }
    for (unsigned i = 0; i < 16; i++) {
        uint64_t expected = window_to_guest(native->regs.gpr[i]);
        if (guest->regs.gpr[i] == expected)
            continue;
        ok = false;
        if (print)
            tap_note("  %s: before %016llx, expected %016llx, got %016llx", gpr_names[i],
                     (unsigned long long)window_to_guest(t->regs.gpr[i]),
                     (unsigned long long)expected, (unsigned long long)guest->regs.gpr[i]);
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
    if (native->kind == OUTCOME_EXIT &&
        ((native->regs.rflags ^ guest->regs.rflags) & t->flags_mask)) {
        ok = false;
        if (print)
            tap_note("  rflags: expected %03x, got %03x (defined: %03x)",
                     (unsigned)native->regs.rflags & t->flags_mask,
                     (unsigned)guest->regs.rflags & t->flags_mask, t->flags_mask);
    }
    /* At a fault, flags that nothing reads any more may be zero, but not made up. */
    if (native->kind != OUTCOME_EXIT &&
        (guest->regs.rflags & ~native->regs.rflags & FLAGS_ARITHMETIC)) {
        ok = false;
        if (print)
            tap_note("  rflags at the fault: expected %03x, got %03x",
                     (unsigned)native->regs.rflags & FLAGS_ARITHMETIC,
                     (unsigned)guest->regs.rflags & FLAGS_ARITHMETIC);
    }
    if (native->regs.mxcsr != guest->regs.mxcsr) {
        ok = false;
        if (print)
            tap_note("  mxcsr: before %04x, expected %04x, got %04x", t->regs.mxcsr,
                     native->regs.mxcsr, guest->regs.mxcsr);
    }
    return compare_memory(t, native->memory, guest->memory, print) && ok;
}

static bool covers_write(const struct world_share *list, unsigned count, gva_t a)
{
    for (unsigned i = 0; i < count && i < WORLD_MAX_SHARES; i++)
        if (a - list[i].address < list[i].size && list[i].write)
            return true;
    return count >= WORLD_MAX_SHARES;
}

/* The machine was told before this byte was written to a shared granule: by a stop, or, for the
 * other operand of the instruction that was stopped, by a call. */
static bool stop_announced(gva_t a)
{
    return covers_write(world.stopped, world.stops, a) ||
           covers_write(world.shares, world.share_count, a);
}

/* The stack reaches into the data below it. */
static bool low_stack(const struct trial *t)
{
    return t->regs.gpr[REG_RSP] < WINDOW_NATIVE + STACK_OFFSET + 0x400;
}

/* What is wrong about the marks of one written byte, or NULL. */
static const char *missing_mark(gva_t a, bool own_stack)
{
    if ((world.features & DBT_DIRTY) && !*arena_dirty(a))
        return "its page is not marked dirty";
    if (!(world.features & DBT_SHARE) || world.single_step || own_stack ||
        world.ranges[0].class == CODE_KERNEL_NOLOG)
        return NULL;
    if (*arena_share(a) == SHARE_SHARED)
        return stop_announced(a) ? NULL : "nothing stopped before it though it is shared";
    /* An instruction that was stopped for one of its granules executed alone, asking for none. */
    return world.stops || *arena_share(a) == (1 | SHARE_WRITTEN) ? NULL
                                                                 : "its share cell does not say so";
}

/* The one memory operand's granules, and in the data no others, were asked for. */
static bool operand_marks(const struct trial *t, bool print)
{
    gva_t operand = window_to_guest(t->operand);
    if (!(world.features & DBT_SHARE) || world.single_step || t->operand_size == 0 || low_stack(t))
        return true;
    if (world.shared_one_in) {
        bool shared = false;
        for (gva_t g = operand & ~7ull; g < operand + t->operand_size; g += 8)
            shared |= *arena_share(g) == SHARE_SHARED;
        bool exact = world.stops == 1 && world.stopped[0].address == operand &&
                     world.stopped[0].size == t->operand_size;
        if (shared ? exact : world.stops == 0)
            return true;
        if (print)
            tap_note("  operand +%#llx size %u, %s: %u stops, the first at +%#llx size %u",
                     (unsigned long long)(operand - WINDOW_GUEST), t->operand_size,
                     shared ? "shared" : "not shared", world.stops,
                     (unsigned long long)(world.stopped[0].address - WINDOW_GUEST),
                     world.stopped[0].size);
        return false;
    }
    for (uint32_t i = 0; i < DATA_SIZE; i += 8) {
        gva_t g = world_guest(DATA_OFFSET + i);
        bool touched = g + 8 > operand && g < operand + t->operand_size;
        if (touched == (*arena_share(g) != SHARE_UNTOUCHED))
            continue;
        if (print)
            tap_note("  operand +%#llx size %u, but the cell of granule +%#x is %#x",
                     (unsigned long long)(operand - WINDOW_GUEST), t->operand_size, DATA_OFFSET + i,
                     *arena_share(g));
        return false;
    }
    return true;
}

bool compare_marks(const struct trial *t, const struct outcome *guest, bool print)
{
    for (unsigned i = 0; i < MEMORY_SIZE; i++) {
        /* A pointer on top of the stack differs from the trial's from the start. */
        if (t->memory[i] == guest->memory[i] ||
            i - (t->regs.gpr[REG_RSP] - WINDOW_NATIVE - MEMORY_OFFSET) < 8)
            continue;
        bool own_stack = !(world.features & DBT_SHARE_STACK) &&
                         i >= STACK_OFFSET - MEMORY_OFFSET - (low_stack(t) ? 0x400 : 0) &&
                         i < STACK_OFFSET - MEMORY_OFFSET + STACK_SIZE;
        const char *missing = missing_mark(world_guest(MEMORY_OFFSET + i), own_stack);
        if (!missing)
            continue;
        if (print)
            tap_note("  +%#x was written but %s (share cell %#x)", MEMORY_OFFSET + i, missing,
                     *arena_share(world_guest(MEMORY_OFFSET + i)));
        return false;
    }
    return guest->kind != OUTCOME_EXIT || operand_marks(t, print);
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
        if (ZYAN_SUCCESS(
                ZydisDecoderDecodeFull(&decoder, t->code + at, t->code_size - at, &i, o))) {
            length = i.length;
            ZydisFormatterFormatInstruction(&formatter, &i, o, i.operand_count_visible, text,
                                            sizeof text, WINDOW_GUEST + CODE_OFFSET + t->place + at,
                                            NULL);
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
    tap_note("  rflags=%03llx mxcsr=%04x window=%016llx", (unsigned long long)t->regs.rflags,
             t->regs.mxcsr, (unsigned long long)WINDOW_GUEST);
}

/* What an assertion of the translator adds to its message. */
static void print_on_failure(void *context)
{
    compare_print_trial(context);
}

bool compare_steps(const struct trial *t, bool print)
{
    assert_set_hook(print_on_failure, (void *)(uintptr_t)t);
    static struct outcome whole, steps;
    world.single_step = false;
    world_run_trial(t, false, &whole);
    world.single_step = true;
    world_run_trial(t, true, &steps);
    world.single_step = false;
    bool ok = whole.kind == steps.kind && whole.regs.rip == steps.regs.rip &&
              whole.retired == steps.retired && whole.regs.mxcsr == steps.regs.mxcsr &&
              memcmp(whole.regs.gpr, steps.regs.gpr, sizeof whole.regs.gpr) == 0 &&
              memcmp(whole.regs.ymm, steps.regs.ymm, sizeof whole.regs.ymm) == 0 &&
              memcmp(whole.memory, steps.memory, MEMORY_SIZE) == 0 &&
              (whole.kind == OUTCOME_EXIT || strcmp(whole.text, steps.text) == 0);
    if (ok || !print)
        return ok;
    tap_note("  in one piece:         %s, %llu instructions", whole.text,
             (unsigned long long)whole.retired);
    tap_note("  instruction by instr.: %s, %llu instructions", steps.text,
             (unsigned long long)steps.retired);
    for (unsigned i = 0; i < 16; i++)
        if (whole.regs.gpr[i] != steps.regs.gpr[i])
            tap_note("  %s: %016llx, %016llx", gpr_names[i], (unsigned long long)whole.regs.gpr[i],
                     (unsigned long long)steps.regs.gpr[i]);
    compare_print_trial(t);
    return false;
}

/* Whether checks took their short or their long way must not show, not even in undefined flags. */
static bool compare_warm(const struct trial *t, const struct outcome *cold, bool print)
{
    static struct outcome warm;
    world.keep_shares = true;
    world_run_trial(t, true, &warm);
    world.keep_shares = false;
    if (memcmp(&cold->regs, &warm.regs, sizeof warm.regs) == 0 &&
        memcmp(cold->memory, warm.memory, MEMORY_SIZE) == 0)
        return true;
    if (print) {
        uint64_t c, w;
        memcpy(&c, cold->memory + FLAGS_OFFSET - MEMORY_OFFSET, 8);
        memcpy(&w, warm.memory + FLAGS_OFFSET - MEMORY_OFFSET, 8);
        tap_note("  with cold and with warm share cells the results differ: rflags %03x and %03x, "
                 "stored flags %03x and %03x",
                 (unsigned)cold->regs.rflags, (unsigned)warm.regs.rflags, (unsigned)c, (unsigned)w);
    }
    return false;
}

bool compare_run(const struct trial *t, bool print)
{
    static struct outcome native, guest;
    assert_set_hook(print_on_failure, (void *)(uintptr_t)t);
    native_run(t, &native);
    bool ok = true;
    for (int again = 0; again < 2 && ok; again++) {
        world_run_trial(t, again, &guest);
        ok = compare_outcomes(t, &native, &guest, print);
        ok = compare_marks(t, &guest, print) && ok;
        if (ok && again && world.features & DBT_SHARE && !world.shared_one_in)
            ok = compare_warm(t, &guest, print);
        if (!ok && print) {
            tap_note("  features %#x, %s translation:", world.features, again ? "cached" : "fresh");
            compare_print_trial(t);
        }
    }
    return ok;
}
