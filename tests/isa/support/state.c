/* Random states for trials: values that are often boundary cases, floating-point numbers of every
 * class. */
#include "tests/isa/support/snippet.h"

#include <string.h>

uint64_t snippet_value(struct rng *rng)
{
    uint64_t v = rng_next(rng);
    switch (rng_below(rng, 10)) {
    case 0:
        return v & 1 ? 0 : ~0ull;
    case 1:
        return v & 0xFF;
    case 2:
        return 0 - (v & 0xFF);
    case 3:
        return 1ull << (v & 63);
    case 4:
        return (1ull << (v & 63)) - 1;
    case 5:
        return v & 0xFFFFFFFF;
    case 6:
        return (uint64_t)(int64_t)(int32_t)v;
    default:
        return v;
    }
}

static uint32_t float_value(struct rng *rng)
{
    static const uint32_t values[] = {0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3FC00000,
                                      0x7F7FFFFF, 0x00000001, 0x807FFFFF, 0x7F800000, 0xFF800000,
                                      0x7FC00000, 0x7F800001, 0x4F000000, 0xCF000000, 0x40490FDB,
                                      0x3EAAAAAB, 0x4B000001, 0x42C80000};
    return values[rng_below(rng, sizeof values / sizeof *values)];
}

static uint64_t double_value(struct rng *rng)
{
    static const uint64_t values[] = {0x0000000000000000, 0x8000000000000000, 0x3FF0000000000000,
                                      0xBFF8000000000000, 0x7FEFFFFFFFFFFFFF, 0x0000000000000001,
                                      0x800FFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000,
                                      0x7FF8000000000000, 0x7FF0000000000001, 0x41E0000000000000,
                                      0xC1E0000000000000, 0x43E0000000000000, 0x400921FB54442D18,
                                      0x3FD5555555555555, 0x4059000000000000, 0x4340000000000001};
    return values[rng_below(rng, sizeof values / sizeof *values)];
}

static void random_bytes(struct rng *rng, uint8_t *out, size_t n, bool floats)
{
    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint64_t v = rng_next(rng);
        if (floats) {
            if (v & 1) {
                v = double_value(rng);
            } else {
                v = float_value(rng);
                v |= (uint64_t)float_value(rng) << 32;
            }
        }
        memcpy(out + i, &v, 8);
    }
}

void snippet_random_state(struct rng *rng, bool floats, struct trial *t)
{
    memset(&t->regs, 0, sizeof t->regs);
    for (unsigned i = 0; i < 16; i++)
        t->regs.gpr[i] = snippet_value(rng);
    /* Sometimes so low that pushes cross into the page below. */
    t->regs.gpr[REG_RSP] = WINDOW_NATIVE + STACK_OFFSET + 8 * rng_below(rng, 32) +
                           (rng_below(rng, 8) ? STACK_SIZE / 2 : 0);
    t->regs.rflags = (rng_next(rng) & FLAGS_ARITHMETIC) | 0x202;
    random_bytes(rng, t->regs.ymm[0], sizeof t->regs.ymm, floats);
    t->regs.mxcsr = 0x1F80;
    if (floats && rng_below(rng, 2))
        t->regs.mxcsr |= (uint32_t)(rng_next(rng) & 0xE07F);
    random_bytes(rng, t->memory, sizeof t->memory, floats);
}
