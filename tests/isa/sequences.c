/*
 * Random code, natively and translated: sequences of two to eight instructions, and programs of
 * several blocks with loops and calls. They show what single forms cannot: flags that stay alive,
 * borrowed registers, merged checks, linked blocks, faults in mid-block. ISA_TRIALS and ISA_SEED
 * change the amount and the numbers; arguments choose: sequences "programs" "all checks".
 */
#include <stdlib.h>
#include <string.h>

#include "tests/isa/support/compare.h"
#include "tests/isa/support/native.h"
#include "tests/isa/support/snippet.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

static const struct {
    unsigned features;
    enum trial_protection protection;
    bool single_step, pieces;
    unsigned shared_one_in;
    const char *name;
    enum code_class class; /* CODE_NONE: driver code */
} modes[] = {
    {WORLD_PLAIN, DATA_WRITABLE, false, false, 0, "no instrumentation"},
    {DBT_SHADOW, DATA_WRITABLE, false, false, 0, "shadow checks"},
    {DBT_DIRTY, DATA_WRITABLE, false, false, 0, "dirty bytes"},
    {DBT_SHARE, DATA_WRITABLE, false, false, 0, "share cells"},
    {DBT_SHARE | DBT_SHARE_STACK, DATA_WRITABLE, false, false, 0, "share cells for the stack too"},
    {DBT_SHADOW | DBT_FRAMES, DATA_WRITABLE, false, false, 0, "looks at return addresses"},
    {DBT_BUDGETS, DATA_WRITABLE, false, false, 0, "budgets"},
    {DBT_COVERAGE, DATA_WRITABLE, false, false, 0, "coverage"},
    {WORLD_CHECKED, DATA_WRITABLE, false, false, 0, "all checks"},
    {WORLD_ALL, DATA_WRITABLE, false, false, 0, "all instrumentation"},
    {WORLD_CHECKED, DATA_WRITABLE, true, false, 0, "all checks, one instruction at a time"},
    {WORLD_ALL, DATA_WRITABLE, true, false, 0, "all instrumentation, one instruction at a time"},
    {DBT_SHADOW, DATA_POISONED, false, false, 0, "shadow checks and a poisoned page"},
    {WORLD_CHECKED, DATA_POISONED, false, false, 0, "all checks and a poisoned page"},
    {WORLD_ALL, DATA_POISONED, false, false, 0, "all instrumentation and a poisoned page"},
    {WORLD_PLAIN, DATA_READ_ONLY, false, false, 0, "no instrumentation and a read-only page"},
    {WORLD_ALL, DATA_READ_ONLY, false, false, 0, "all instrumentation and a read-only page"},
    {DBT_BUDGETS, DATA_WRITABLE, false, true, 0, "budgets of few instructions"},
    {WORLD_ALL, DATA_WRITABLE, false, true, 0,
     "all instrumentation and budgets of few instructions"},
    {WORLD_ALL, DATA_WRITABLE, false, false, 3, "all instrumentation and shared granules"},
    {DBT_SHARE, DATA_READ_ONLY, false, false, 3,
     "share cells, shared granules and a read-only page"},
    {WORLD_ALL, DATA_WRITABLE, false, false, 3,
     "all instrumentation and shared granules, as kernel code", CODE_KERNEL},
    {WORLD_ALL, DATA_WRITABLE, false, false, 0, "all instrumentation, as unlogged kernel code",
     CODE_KERNEL_NOLOG},
    {WORLD_ALL, DATA_POISONED, true, false, 0,
     "all instrumentation and a poisoned page, one instruction at a time"},
};

static unsigned long number_from(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 0) : otherwise;
}

typedef void (*generator)(struct rng *rng, const struct form *forms, size_t count, struct trial *t);

static void test_mode(generator generate, const char *what, unsigned mode, uint64_t seed,
                      unsigned trials, const struct form *forms, size_t count)
{
    static struct trial t;
    unsigned failures = 0;
    world_set_features(modes[mode].features);
    world_set_class(modes[mode].class == CODE_NONE ? CODE_DRIVER : modes[mode].class, 1);
    world.pieces = modes[mode].pieces;
    world.shared_one_in = modes[mode].shared_one_in;
    for (unsigned n = 0; n < trials; n++) {
        struct rng rng = {(seed + n) * 0x9E3779B97F4A7C15ull ^ mode};
        uint64_t start = rng.state;
        t.place =
            (unsigned)(rng_below(&rng, 4) ? rng_below(&rng, 0x2F00) : 0xFFF - rng_below(&rng, 40));
        generate(&rng, forms, count, &t);
        t.protection = modes[mode].protection;
        world.single_step = modes[mode].single_step;
        bool ok = compare_run(&t, failures < 3);
        if (ok && modes[mode].single_step)
            ok = compare_steps(&t, failures < 3);
        if (!ok && failures++ < 3)
            tap_note("  number %u, seed %#llx", n, (unsigned long long)start);
    }
    if (failures)
        tap_note("%u of %u failed", failures, trials);
    tap_ok(failures == 0, "random %s do translated what they do natively, with %s", what,
           modes[mode].name);
}

/* Poisoned granules have no native counterpart: the run in one piece, whose checks may be merged,
 * is compared with the run instruction by instruction. */
static void test_poison(generator generate, const char *what, unsigned features, const char *name,
                        uint64_t seed, unsigned trials, const struct form *forms, size_t count)
{
    static struct trial t;
    unsigned failures = 0;
    world_set_features(features);
    world.pieces = world.single_step = false;
    world.shared_one_in = 0;
    world.poison = true;
    for (unsigned n = 0; n < trials; n++) {
        struct rng rng = {(seed + n) * 0xD1B54A32D192ED03ull};
        t.place = (unsigned)rng_below(&rng, 0x2F00);
        generate(&rng, forms, count, &t);
        t.protection = DATA_WRITABLE;
        if (!compare_steps(&t, failures < 3))
            failures++;
    }
    world.poison = false;
    if (failures)
        tap_note("%u of %u failed", failures, trials);
    tap_ok(failures == 0, "random %s over poisoned granules stop where single steps stop, with %s",
           what, name);
}

int main(int argc, char **argv)
{
    unsigned trials = (unsigned)number_from("ISA_TRIALS", 1000);
    uint64_t seed = number_from("ISA_SEED", 1);
    world_open(WORLD_PLAIN);
    native_open();
    size_t count;
    struct form *forms = forms_expand(&count);
    tap_note("seed %llu, %u of each for each instrumentation", (unsigned long long)seed, trials);
    for (unsigned g = 0; g < 2; g++) {
        generator generate = g ? snippet_program : snippet_sequence;
        const char *what = g ? "programs" : "sequences";
        if (argc > 1 && strcmp(argv[1], what) != 0)
            continue;
        for (unsigned m = 0; m < sizeof modes / sizeof *modes; m++)
            if (argc < 3 || strcmp(argv[2], modes[m].name) == 0)
                test_mode(generate, what, m, seed, trials, forms, count);
        if (argc > 2)
            continue;
        test_poison(generate, what, DBT_SHADOW | DBT_BUDGETS, "shadow checks", seed, trials, forms,
                    count);
        test_poison(generate, what, WORLD_ALL, "all instrumentation", seed, trials, forms, count);
    }
    free(forms);
    world_close();
    return tap_finish();
}
