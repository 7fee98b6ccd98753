/*
 * Random sequences of two to eight instructions, natively and translated: interactions between
 * instructions (flags that stay alive, borrowed registers, merged checks, conditional jumps) that
 * single forms cannot show. ISA_TRIALS and ISA_SEED change the amount and the numbers.
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
} modes[] = {
    {WORLD_PLAIN, DATA_WRITABLE, false, false, 0, "no instrumentation"},
    {DBT_SHADOW, DATA_WRITABLE, false, false, 0, "shadow checks"},
    {DBT_DIRTY, DATA_WRITABLE, false, false, 0, "dirty bytes"},
    {DBT_SHARE, DATA_WRITABLE, false, false, 0, "share cells"},
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
    {WORLD_ALL, DATA_POISONED, true, false, 0,
     "all instrumentation and a poisoned page, one instruction at a time"},
};

/* Counted in one piece and instruction by instruction, the number of instructions is the same. */
static bool same_count(const struct trial *t)
{
    static struct outcome whole, steps;
    world.single_step = false;
    world_run_trial(t, true, &whole);
    world.single_step = true;
    world_run_trial(t, true, &steps);
    if (whole.retired == steps.retired)
        return true;
    tap_note("  instructions: %llu in one piece, %llu one at a time",
             (unsigned long long)whole.retired, (unsigned long long)steps.retired);
    compare_print_trial(t);
    return false;
}

static unsigned long number_from(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 0) : otherwise;
}

int main(void)
{
    static struct trial t;
    unsigned trials = (unsigned)number_from("ISA_TRIALS", 1500);
    uint64_t seed = number_from("ISA_SEED", 1);
    world_open(WORLD_PLAIN);
    native_open();
    size_t count;
    struct form *forms = forms_expand(&count);
    tap_note("seed %llu, %u sequences for each instrumentation", (unsigned long long)seed, trials);
    for (unsigned m = 0; m < sizeof modes / sizeof *modes; m++) {
        world_set_features(modes[m].features);
        world.single_step = modes[m].single_step;
        world.pieces = modes[m].pieces;
        world.shared_one_in = modes[m].shared_one_in;
        unsigned failures = 0;
        for (unsigned n = 0; n < trials; n++) {
            struct rng rng = {(seed + n) * 0x9E3779B97F4A7C15ull ^ m};
            uint64_t start = rng.state;
            t.place = (unsigned)(rng_below(&rng, 4) ? rng_below(&rng, 0x3000)
                                                    : 0xFFF - rng_below(&rng, 40));
            snippet_sequence(&rng, forms, count, &t);
            t.protection = modes[m].protection;
            bool ok = compare_run(&t, failures < 3);
            if (ok && modes[m].single_step)
                ok = same_count(&t);
            if (!ok && failures++ < 3)
                tap_note("  sequence %u, seed %#llx", n, (unsigned long long)start);
        }
        if (failures)
            tap_note("%u of %u sequences failed", failures, trials);
        tap_ok(failures == 0, "random sequences do translated what they do natively, with %s",
               modes[m].name);
    }
    free(forms);
    world_close();
    return tap_finish();
}
