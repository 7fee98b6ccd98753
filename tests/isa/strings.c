/*
 * String instructions, natively and translated: each operation, size and prefix in both directions,
 * with counts from zero up to several hundred, overlapping operands and page boundaries inside.
 */
#include <stdio.h>
#include <string.h>

#include "tests/isa/support/compare.h"
#include "tests/isa/support/native.h"
#include "tests/isa/support/snippet.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define TRIALS 12

static const struct {
    const char *name;
    uint8_t opcode; /* of the byte form; the wider ones are one higher */
    bool compares;
} operations[] = {{"movs", 0xA4, false},
                  {"stos", 0xAA, false},
                  {"lods", 0xAC, false},
                  {"cmps", 0xA6, true},
                  {"scas", 0xAE, true}};

static const struct {
    const char *name;
    uint8_t prefix;
} prefixes[] = {{"", 0}, {"rep ", 0xF3}, {"repne ", 0xF2}};

static void make(struct rng *rng, uint8_t opcode, uint8_t prefix, unsigned size, bool down,
                 bool compares, struct trial *t)
{
    snippet_random_state(rng, false, t);
    uint64_t *g = t->regs.gpr;
    unsigned limit = 0x800 / size;
    uint64_t count = rng_below(rng, 4) == 0 ? rng_below(rng, limit) : rng_below(rng, 24);
    if (prefix)
        g[REG_RCX] = count;
    unsigned reach = 0x900;
    for (int r = REG_RSI; r <= REG_RDI; r++) {
        uint64_t at = DATA_OFFSET + (down ? reach : 0) + rng_below(rng, DATA_SIZE - reach);
        if (rng_below(rng, 2))
            at &= ~(uint64_t)(size - 1);
        g[r] = WINDOW_NATIVE + at;
    }
    if (rng_below(rng, 3) == 0)
        g[REG_RDI] = g[REG_RSI] + rng_below(rng, 64) - (down ? 64 : 0);
    if (compares) {
        /* Long equal runs, so that comparisons end at every count. */
        uint8_t fill = (uint8_t)rng_next(rng);
        memset(t->memory, fill, DATA_SIZE);
        unsigned odd = 1 + (unsigned)rng_below(rng, 200);
        for (unsigned at = (unsigned)rng_below(rng, odd); at < DATA_SIZE; at += odd)
            t->memory[at] ^= (uint8_t)rng_below(rng, 4);
        if (rng_below(rng, 4))
            memset(&g[REG_RAX], fill, 8);
    }
    if (down)
        t->regs.rflags |= FLAG_DF;
    t->place = t->pointer_count = t->code_size = 0;
    if (size == 2)
        t->code[t->code_size++] = 0x66;
    if (prefix)
        t->code[t->code_size++] = prefix;
    if (size == 8)
        t->code[t->code_size++] = 0x48;
    t->code[t->code_size++] = (uint8_t)(opcode + (size > 1));
    t->flags_mask = FLAGS_ARITHMETIC | FLAG_DF;
    snippet_finish(t);
}

static void test(unsigned operation, unsigned prefix, unsigned size, bool down)
{
    static struct trial t;
    static const struct {
        unsigned features, shared_one_in;
    } modes[] = {{WORLD_PLAIN, 0}, {WORLD_CHECKED, 0}, {WORLD_ALL, 0}, {WORLD_ALL, 20}};
    unsigned failures = 0;
    uint64_t seed = operation * 1000 + prefix * 100 + size * 10 + down;
    for (unsigned f = 0; f < sizeof modes / sizeof *modes; f++) {
        world_set_features(modes[f].features);
        world.shared_one_in = modes[f].shared_one_in;
        for (unsigned n = 0; n < TRIALS; n++) {
            struct rng rng = {(seed * 64 + f * TRIALS + n) * 0x9E3779B97F4A7C15ull};
            make(&rng, operations[operation].opcode, prefixes[prefix].prefix, size, down,
                 operations[operation].compares, &t);
            failures += !compare_run(&t, failures < 2);
        }
    }
    tap_ok(failures == 0, "%s%s%c going %s does translated what it does natively",
           prefixes[prefix].name, operations[operation].name,
           size == 1   ? 'b'
           : size == 2 ? 'w'
           : size == 4 ? 'd'
                       : 'q',
           down ? "down" : "up");
}

int main(void)
{
    world_open(WORLD_PLAIN);
    native_open();
    for (unsigned o = 0; o < sizeof operations / sizeof *operations; o++)
        for (unsigned p = 0; p < (operations[o].compares ? 3 : 2); p++)
            for (unsigned size = 1; size <= 8; size *= 2)
                for (int down = 0; down < 2; down++)
                    test(o, p, size, down);
    world_close();
    return tap_finish();
}
